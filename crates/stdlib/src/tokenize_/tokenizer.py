import re as _re
import token as _token

_NUMBER = (
    r"0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+"
    r"|(?:[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][-+]?[0-9](?:_?[0-9])*)?[jJ]?"
    r"|[0-9](?:_?[0-9])*[eE][-+]?[0-9](?:_?[0-9])*[jJ]?|[0-9](?:_?[0-9])*[jJ]?"
)
_OPERATORS = sorted(_token.EXACT_TOKEN_TYPES, key=len, reverse=True)
_OPERATOR = "|".join(map(_re.escape, _OPERATORS))
_TOKEN = _re.compile(
    rf"""(?P<comment>[#][^\r\n]*)
    |(?P<continuation>\\\r?\n)
    |(?P<newline>\r?\n|\r)
    |(?P<template>(?:[fF][rR]?|[rR][fF]|[tT][rR]?|[rR][tT])(?P<template_quote>'''|\"\"\"|'|"))
    |(?P<string>(?:[bB][rR]?|[rR][bB]?|[uU])?(?P<quote>'''|\"\"\"|'|"))
    |(?P<number>{_NUMBER})
    |(?P<name>\w+)
    |(?P<operator>{_OPERATOR})""",
    _re.VERBOSE,
)
_SPACE = _re.compile(r"[ \t\f]*")
_CLOSING = {")": "(", "]": "[", "}": "{"}


class _Template:
    """An f-string or t-string that has been entered; `expressions` holds the bracket depths of the open fields."""

    __slots__ = ("quote", "kind", "start", "expressions", "specs")

    def __init__(self, quote, kind, start):
        self.quote = quote
        self.kind = kind
        self.start = start
        self.expressions = []
        self.specs = []


class TokenizerIter:
    def __init__(self, readline, *, encoding=None, extra_tokens=False):
        self._readline = readline
        self._encoding = encoding
        self._extra = extra_tokens
        self._number = 0
        self._line = ""
        self._tokens = self._run()

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._tokens)

    def _next_line(self):
        try:
            line = self._readline()
        except StopIteration:
            line = ""
        if isinstance(line, (bytes, bytearray)):
            line = line.decode(self._encoding or "utf-8")
        self._number += 1
        self._line = line
        return line

    def _error(self, message, position, kind=SyntaxError):
        line, column = position
        return kind(message, ("<string>", line, column + 1, self._line))

    def _make(self, kind, start, end, line=None):
        text = self._line[start:end]
        if not self._extra and kind == _token.OP:
            kind = _token.EXACT_TOKEN_TYPES[text]
        number = self._number
        return (kind, text, (number, start), (number, end), self._line if line is None else line)

    def _run(self):
        indents = [0]
        brackets = []
        templates = []
        continued = False
        at_start = True
        ended_with_newline = True
        while True:
            line = self._next_line()
            position = 0
            if not line:
                if templates:
                    raise self._error("unterminated triple-quoted f-string literal", templates[-1].start)
                if brackets:
                    raise self._error("unexpected EOF in multi-line statement", (self._number, 0))
                if continued:
                    raise self._error("unexpected EOF in multi-line statement", (self._number - 1, 0))
                break
            in_text = templates and self._in_text(templates[-1], brackets)
            if not brackets and not continued and not templates:
                position = _SPACE.match(line).end()
                rest = line[position:]
                if rest.strip("\r\n") == "" or rest[0] == "#":
                    if self._extra:
                        stripped = len(line.rstrip("\r\n"))
                        if rest[0] == "#":
                            yield self._make(_token.COMMENT, position, stripped)
                        yield self._newline(_token.NL, stripped)
                    ended_with_newline = True
                    continue
                column = self._column(line[:position])
                if column > indents[-1]:
                    indents.append(column)
                    yield self._make(_token.INDENT, 0, position)
                while column < indents[-1]:
                    if column not in indents:
                        raise self._error(
                            "unindent does not match any outer indentation level",
                            (self._number, position),
                            IndentationError,
                        )
                    indents.pop()
                    yield self._make(_token.DEDENT, position, position)
            continued = False
            while position < len(line):
                if templates and self._in_text(templates[-1], brackets):
                    position, tokens = self._text(templates, brackets, position)
                    yield from tokens
                    line = self._line
                    continue
                position = _SPACE.match(line, position).end()
                if position == len(line):
                    break
                match = _TOKEN.match(line, position)
                if match is None:
                    if self._extra and line[position] not in "'\"":
                        kind = _token.OP if line[position] in "!?$" else _token.ERRORTOKEN
                        if kind == _token.ERRORTOKEN:
                            raise self._error("invalid non-printable character", (self._number, position))
                        yield (kind, line[position], (self._number, position), (self._number, position + 1), line)
                        position += 1
                        continue
                    raise self._error("invalid syntax", (self._number, position))
                end = match.end()
                kind = match.lastgroup
                if match.group("template"):
                    start = _token.FSTRING_START if "f" in match.group().lower() else _token.TSTRING_START
                    yield self._make(start, position, end)
                    templates.append(_Template(match.group("template_quote"), start, (self._number, position)))
                elif match.group("string"):
                    token, end = self._string(position, end, match.group("quote"))
                    yield token
                    line = self._line
                elif kind == "comment":
                    if self._extra:
                        yield self._make(_token.COMMENT, position, end)
                elif kind == "continuation":
                    continued = True
                elif kind == "newline":
                    if brackets or templates:
                        if self._extra:
                            yield self._newline(_token.NL, position)
                    else:
                        yield self._newline(_token.NEWLINE, position)
                elif kind == "number":
                    yield self._make(_token.NUMBER, position, end)
                elif kind == "name":
                    yield self._make(_token.NAME, position, end)
                else:
                    end = self._operator(templates, brackets, position, end)
                    yield self._make(_token.OP, position, end)
                position = end
            ended_with_newline = line.endswith(("\n", "\r"))
            if not ended_with_newline and not brackets and not continued and not templates:
                self._line, kept = "", len(line)
                kind = _token.NEWLINE if not line.lstrip().startswith("#") else _token.NL
                yield (kind, "", (self._number, kept), (self._number, kept + 1), "")
        self._line = ""
        for _ in indents[1:]:
            yield self._make(_token.DEDENT, 0, 0)
        yield self._make(_token.ENDMARKER, 0, 0)

    def _newline(self, kind, position):
        """The end of a line, which is one column wide however it is written."""
        text = self._line[position:]
        return (kind, text, (self._number, position), (self._number, position + max(len(text), 1)), self._line)

    @staticmethod
    def _column(space):
        column = 0
        for character in space:
            column = column + 1 if character == " " else (column // 8 + 1) * 8 if character == "\t" else 0
        return column

    def _string(self, start, position, quote):
        """A string literal, which may go on for several lines."""
        first = (self._number, start)
        text = lines = self._line
        begin = start
        collected = ""
        while True:
            while position < len(text):
                if text[position] == "\\":
                    position += 2
                    if position - 1 < len(text) and text[position - 1] == "\r" and text[position : position + 1] == "\n":
                        position += 1
                elif text.startswith(quote, position):
                    end = position + len(quote)
                    whole = collected + text[begin:end]
                    return (_token.STRING, whole, first, (self._number, end), lines), end
                elif len(quote) == 1 and text[position] in "\r\n":
                    raise self._error(f"unterminated string literal (detected at line {self._number})", first)
                else:
                    position += 1
            collected += text[begin:]
            number = self._number
            text = self._next_line()
            if not text:
                what = "triple-quoted string" if len(quote) == 3 else "string"
                raise self._error(f"unterminated {what} literal (detected at line {number})", first)
            lines += text
            begin = position = 0

    def _in_text(self, template, brackets):
        """Whether what follows is text of the template, or of a format, and no expression."""
        if not template.expressions:
            return True
        return bool(template.specs) and template.specs[-1] == len(template.expressions)

    def _operator(self, templates, brackets, position, end):
        """Keeps track of brackets; gives where the operator ends."""
        text = self._line[position:end]
        template = templates[-1] if templates else None
        at_field = template is not None and template.expressions and template.expressions[-1] == len(brackets)
        if at_field and text[0] == ":":
            template.specs.append(len(template.expressions))
            return position + 1
        if text in ("(", "[", "{"):
            brackets.append(text)
        elif text in _CLOSING:
            if not brackets or brackets[-1] != _CLOSING[text]:
                if not brackets:
                    raise self._error(f"unmatched {text!r}", (self._number, position))
                raise self._error(
                    f"closing parenthesis {text!r} does not match opening parenthesis {brackets[-1]!r}",
                    (self._number, position),
                )
            brackets.pop()
            if at_field:
                template.expressions.pop()
        return end

    def _text(self, templates, brackets, position):
        """Text up to a field, the end of a format, or the end of the template."""
        template = templates[-1]
        middle, finish = template.kind + 1, template.kind + 2
        in_spec = bool(template.specs)
        quote = template.quote
        start, begin, collected, lines = (self._number, position), position, "", self._line
        tokens = []

        def emit(end):
            text = collected + self._line[begin:end]
            if text:
                tokens.append((middle, text, start, (self._number, end), lines))

        while True:
            line = self._line
            if position >= len(line):
                collected += line[begin:]
                if not self._next_line():
                    raise self._error("unterminated triple-quoted f-string literal", template.start)
                lines += self._line
                begin = position = 0
                continue
            character = line[position]
            if line.startswith(quote, position):
                emit(position)
                end = position + len(quote)
                tokens.append(self._make(finish, position, end))
                templates.pop()
                return end, tokens
            if character == "\\" and line[position + 1 : position + 2] not in ("{", "}"):
                position += 2
            elif character in "{}" and not in_spec and line[position + 1 : position + 2] == character:
                # A doubled brace is one, and the next piece of text starts behind it.
                emit(position + 1)
                position += 2
                start, begin, collected, lines = (self._number, position), position, "", line
            elif character == "{":
                emit(position)
                tokens.append(self._make(_token.OP, position, position + 1))
                brackets.append("{")
                template.expressions.append(len(brackets))
                return position + 1, tokens
            elif character == "}" and in_spec:
                emit(position)
                tokens.append(self._make(_token.OP, position, position + 1))
                brackets.pop()
                template.expressions.pop()
                template.specs.pop()
                return position + 1, tokens
            elif character in "\r\n" and len(quote) == 1:
                raise self._error(
                    f"unterminated f-string literal (detected at line {self._number})", template.start
                )
            else:
                position += 1
