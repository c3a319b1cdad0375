"""What a refusal means: from a code, a status and words to a cause and an effect.

Pure: no database, no network. Rules are data (`rules`), tried in order; whoever hears a refusal (a
server while sending, a returned mail, a provider's webhook) asks here, so that the same words mean
the same everywhere. It imports `states` alone. Begin with `classify`.
"""
