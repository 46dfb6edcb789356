"""What stands around a value and says what it is. Five questions, a module for each:

- ``_keys``: what does the *attribute's name* say of its whole value? A class such as secret, card or version.
- ``_assignments``: where does a *text* give a value to the name of a secret? ``password=x``, ``"token": "x"``; with the
  names of ``_keys``.
- ``_context``, by the table of ``_topics``: which *identifiers* do the words of a text or of a key announce, and where may
  their numbers begin? ``patient id 8837261``, ``codice fiscale``. They count for a detector.
- ``_labels``: do the words beside a number say that it is a *machine's*: an offset, a count, an order? They count against one.
- ``_prose``: is a text *addressed to someone*, so that a number in it is likely a person's?

Knows nothing of detectors; a ``Subject`` keeps the answers, so that each is looked for once in a text.
"""

from __future__ import annotations

__all__: list[str] = []
