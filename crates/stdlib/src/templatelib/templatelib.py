class Interpolation:
    """Interpolation object"""

    __module__ = "string.templatelib"
    __slots__ = ("_value", "_expression", "_conversion", "_format_spec")
    __match_args__ = ("value", "expression", "conversion", "format_spec")

    def __new__(cls, value, expression="", conversion=None, format_spec=""):
        for name, text in (("expression", expression), ("format_spec", format_spec)):
            if not isinstance(text, str):
                raise TypeError(f"Interpolation() argument '{name}' must be str, not {type(text).__name__}")
        if conversion is not None:
            if not isinstance(conversion, str):
                raise TypeError(f"Interpolation() argument 'conversion' must be str, not {type(conversion).__name__}")
            if conversion not in ("s", "r", "a"):
                raise ValueError("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'")
        self = object.__new__(cls)
        self._value = value
        self._expression = expression
        self._conversion = conversion
        self._format_spec = format_spec
        return self

    def __init_subclass__(cls):
        raise TypeError("type 'string.templatelib.Interpolation' is not an acceptable base type")

    @property
    def value(self):
        """Value"""
        return self._value

    @property
    def expression(self):
        """Expression"""
        return self._expression

    @property
    def conversion(self):
        """Conversion"""
        return self._conversion

    @property
    def format_spec(self):
        """Format specifier"""
        return self._format_spec

    def __repr__(self):
        return f"Interpolation({self._value!r}, {self._expression!r}, {self._conversion!r}, {self._format_spec!r})"

    def __reduce__(self):
        return Interpolation, (self._value, self._expression, self._conversion, self._format_spec)

    def __class_getitem__(cls, arguments):
        return _GenericAlias(cls, arguments)


class Template:
    """Template object"""

    __module__ = "string.templatelib"
    __slots__ = ("_strings", "_interpolations")

    def __new__(cls, *parts, **keywords):
        if keywords:
            raise TypeError("Template.__new__ only accepts *args arguments")
        strings = []
        interpolations = []
        last_was_text = False
        for part in parts:
            if isinstance(part, str):
                if last_was_text:
                    strings[-1] += part
                else:
                    strings.append(part)
                last_was_text = True
            elif isinstance(part, Interpolation):
                if not last_was_text:
                    strings.append("")
                interpolations.append(part)
                last_was_text = False
            else:
                raise TypeError(
                    "Template.__new__ *args need to be of type 'str' or 'Interpolation', "
                    f"got {type(part).__name__}"
                )
        if not last_was_text:
            strings.append("")
        return _template(tuple(strings), tuple(interpolations))

    def __init_subclass__(cls):
        raise TypeError("type 'string.templatelib.Template' is not an acceptable base type")

    @property
    def strings(self):
        """Strings"""
        return self._strings

    @property
    def interpolations(self):
        """Interpolations"""
        return self._interpolations

    @property
    def values(self):
        """Values of interpolations"""
        return tuple(interpolation.value for interpolation in self._interpolations)

    def __iter__(self):
        return TemplateIter(self)

    def __add__(self, other):
        if not isinstance(other, Template):
            name = type(other).__name__
            raise TypeError(f'can only concatenate string.templatelib.Template (not "{name}") to string.templatelib.Template')
        joined = self._strings[-1] + other._strings[0]
        strings = (*self._strings[:-1], joined, *other._strings[1:])
        return _template(strings, self._interpolations + other._interpolations)

    def __repr__(self):
        return f"Template(strings={self._strings!r}, interpolations={self._interpolations!r})"

    def __reduce__(self):
        from string.templatelib import _template_unpickle

        return _template_unpickle, (self._strings, self._interpolations)


class TemplateIter:
    """Template iterator object"""

    __module__ = "string.templatelib"
    __slots__ = ("_parts",)

    def __init__(self, template):
        parts = []
        for i, string in enumerate(template.strings):
            if string:
                parts.append(string)
            if i < len(template.interpolations):
                parts.append(template.interpolations[i])
        self._parts = iter(parts)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._parts)


def _template(strings, interpolations):
    """What the compiler makes a template of."""
    self = object.__new__(Template)
    self._strings = strings
    self._interpolations = interpolations
    return self
