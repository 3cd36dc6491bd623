"""The failures that a person can do something about."""


class GatewayRefused(Exception):
    """What happened, in a sentence for the person who started the program."""
