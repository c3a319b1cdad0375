"""What the holder of a mail's link may see and do: leave, choose, look at their data.

`message_link` finds the person behind a token, `preference_access` who holds it, `unsubscribing`
leaves and comes back, `personal_data` and `forgetting` answer data-protection requests. It may
import everything but `system_mail`, `sandbox`, `figures` and `health`. Begin with `message_link`.
"""
