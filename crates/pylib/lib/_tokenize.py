"""What module `tokenize` takes from the interpreter. Tokens cannot be made yet."""


class TokenizerIter:
    def __init__(self, readline, *, encoding=None, extra_tokens=False):
        raise NotImplementedError("this Python cannot split source text into tokens yet")
