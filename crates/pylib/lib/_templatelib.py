"""The classes of t-strings: what BUILD_TEMPLATE and BUILD_INTERPOLATION make."""


class Interpolation:
    __module__ = "string.templatelib"
    __slots__ = ("value", "expression", "conversion", "format_spec")
    __match_args__ = ("value", "expression", "conversion", "format_spec")

    def __init__(self, value, expression="", conversion=None, format_spec=""):
        if conversion not in (None, "s", "r", "a"):
            raise ValueError("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'")
        self.value = value
        self.expression = expression
        self.conversion = conversion
        self.format_spec = format_spec

    def __repr__(self):
        return f"Interpolation({self.value!r}, {self.expression!r}, {self.conversion!r}, {self.format_spec!r})"

    def __reduce__(self):
        return type(self), (self.value, self.expression, self.conversion, self.format_spec)


class Template:
    __module__ = "string.templatelib"
    __slots__ = ("strings", "interpolations")

    def __new__(cls, *parts):
        strings, interpolations = [""], []
        for part in parts:
            if isinstance(part, str):
                strings[-1] += part
            elif isinstance(part, Interpolation):
                interpolations.append(part)
                strings.append("")
            else:
                raise TypeError(
                    "Template.__new__ *args need to be of type 'str' or 'Interpolation', "
                    f"got {type(part).__name__}"
                )
        return _template(tuple(strings), tuple(interpolations))

    @property
    def values(self):
        return tuple(interpolation.value for interpolation in self.interpolations)

    def __iter__(self):
        for i, text in enumerate(self.strings):
            if text:
                yield text
            if i < len(self.interpolations):
                yield self.interpolations[i]

    def __add__(self, other):
        if not isinstance(other, Template):
            if isinstance(other, str):
                raise TypeError('can only concatenate string.templatelib.Template (not "str") to string.templatelib.Template')
            return NotImplemented
        joined = self.strings[:-1] + (self.strings[-1] + other.strings[0],) + other.strings[1:]
        return _template(joined, self.interpolations + other.interpolations)

    def __repr__(self):
        return f"Template(strings={self.strings!r}, interpolations={self.interpolations!r})"

    def __reduce__(self):
        return _template, (self.strings, self.interpolations)


def _template(strings, interpolations):
    template = object.__new__(Template)
    template.strings = strings
    template.interpolations = interpolations
    return template
