"""Which database this is, whether it went back in time or is a copy, whether sending is held.

`secrets` encrypts what must be read again; `key_check` notices a lost or changed key. It imports no
package of `accounts`. Begin with `watch`.
"""
