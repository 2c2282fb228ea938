"""What virtualsmartcard imports where PyCrypto is missing; Python 3 has it in hashlib. No test here gets to it."""
from hashlib import sha1 as new  # noqa: F401
