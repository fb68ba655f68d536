"""The engine process: closed spool segments in, stored records out, and queries answered.

It holds no credential, no signing key and no key file, and it listens on a unix socket only.
"""
