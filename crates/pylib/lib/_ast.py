"""The node classes of abstract syntax trees, and what `compile` needs to know of them."""

PyCF_ONLY_AST = 0x400
PyCF_TYPE_COMMENTS = 0x1000
PyCF_ALLOW_TOP_LEVEL_AWAIT = 0x2000
PyCF_OPTIMIZED_AST = 0x8400


class AST:
    __module__ = "ast"
    _fields = ()
    _attributes = ()
    __match_args__ = ()

    def __init__(self, *args, **kwargs):
        fields = self._fields
        if len(args) > len(fields):
            plural = "" if len(fields) == 1 else "s"
            raise TypeError(f"{type(self).__name__} constructor takes at most {len(fields)} positional argument{plural}")
        for name, value in zip(fields, args):
            if name in kwargs:
                raise TypeError(f"{type(self).__name__} got multiple values for argument {name!r}")
            setattr(self, name, value)
        for name, value in kwargs.items():
            setattr(self, name, value)
        for name in fields[len(args):]:
            if name in kwargs:
                continue
            if name in _LISTS.get(type(self).__name__, ()):
                setattr(self, name, [])
            elif name == "ctx":
                self.ctx = Load()
            elif name in _OPTIONAL.get(type(self).__name__, ()):
                setattr(self, name, None)

    def __reduce__(self):
        return type(self), (), dict(self.__dict__)

    def __repr__(self):
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields if hasattr(self, name))
        return f"{type(self).__name__}({shown})"

    def __replace__(self, **changes):
        values = {name: getattr(self, name) for name in self._fields + self._attributes if hasattr(self, name)}
        return type(self)(**(values | changes))


# Name, base, fields, and * where the class has a place in the source of its own.
_TABLE = """
alias|AST|name asname|*
arg|AST|arg annotation type_comment|*
arguments|AST|posonlyargs args vararg kwonlyargs kw_defaults kwarg defaults|
boolop|AST||
And|boolop||-
Or|boolop||-
cmpop|AST||
Eq|cmpop||-
Gt|cmpop||-
GtE|cmpop||-
In|cmpop||-
Is|cmpop||-
IsNot|cmpop||-
Lt|cmpop||-
LtE|cmpop||-
NotEq|cmpop||-
NotIn|cmpop||-
comprehension|AST|target iter ifs is_async|
excepthandler|AST||*
ExceptHandler|excepthandler|type name body|-
expr|AST||*
Attribute|expr|value attr ctx|-
Await|expr|value|-
BinOp|expr|left op right|-
BoolOp|expr|op values|-
Call|expr|func args keywords|-
Compare|expr|left ops comparators|-
Constant|expr|value kind|-
Dict|expr|keys values|-
DictComp|expr|key value generators|-
FormattedValue|expr|value conversion format_spec|-
GeneratorExp|expr|elt generators|-
IfExp|expr|test body orelse|-
Interpolation|expr|value str conversion format_spec|-
JoinedStr|expr|values|-
Lambda|expr|args body|-
List|expr|elts ctx|-
ListComp|expr|elt generators|-
Name|expr|id ctx|-
NamedExpr|expr|target value|-
Set|expr|elts|-
SetComp|expr|elt generators|-
Slice|expr|lower upper step|-
Starred|expr|value ctx|-
Subscript|expr|value slice ctx|-
TemplateStr|expr|values|-
Tuple|expr|elts ctx|-
UnaryOp|expr|op operand|-
Yield|expr|value|-
YieldFrom|expr|value|-
expr_context|AST||
Del|expr_context||-
Load|expr_context||-
Store|expr_context||-
keyword|AST|arg value|*
match_case|AST|pattern guard body|
mod|AST||
Expression|mod|body|-
FunctionType|mod|argtypes returns|-
Interactive|mod|body|-
Module|mod|body type_ignores|-
operator|AST||
Add|operator||-
BitAnd|operator||-
BitOr|operator||-
BitXor|operator||-
Div|operator||-
FloorDiv|operator||-
LShift|operator||-
MatMult|operator||-
Mod|operator||-
Mult|operator||-
Pow|operator||-
RShift|operator||-
Sub|operator||-
pattern|AST||*
MatchAs|pattern|pattern name|-
MatchClass|pattern|cls patterns kwd_attrs kwd_patterns|-
MatchMapping|pattern|keys patterns rest|-
MatchOr|pattern|patterns|-
MatchSequence|pattern|patterns|-
MatchSingleton|pattern|value|-
MatchStar|pattern|name|-
MatchValue|pattern|value|-
stmt|AST||*
AnnAssign|stmt|target annotation value simple|-
Assert|stmt|test msg|-
Assign|stmt|targets value type_comment|-
AsyncFor|stmt|target iter body orelse type_comment|-
AsyncFunctionDef|stmt|name args body decorator_list returns type_comment type_params|-
AsyncWith|stmt|items body type_comment|-
AugAssign|stmt|target op value|-
Break|stmt||-
ClassDef|stmt|name bases keywords body decorator_list type_params|-
Continue|stmt||-
Delete|stmt|targets|-
Expr|stmt|value|-
For|stmt|target iter body orelse type_comment|-
FunctionDef|stmt|name args body decorator_list returns type_comment type_params|-
Global|stmt|names|-
If|stmt|test body orelse|-
Import|stmt|names|-
ImportFrom|stmt|module names level|-
Match|stmt|subject cases|-
Nonlocal|stmt|names|-
Pass|stmt||-
Raise|stmt|exc cause|-
Return|stmt|value|-
Try|stmt|body handlers orelse finalbody|-
TryStar|stmt|body handlers orelse finalbody|-
TypeAlias|stmt|name type_params value|-
While|stmt|test body orelse|-
With|stmt|items body type_comment|-
type_ignore|AST||
TypeIgnore|type_ignore|lineno tag|-
type_param|AST||*
ParamSpec|type_param|name default_value|-
TypeVar|type_param|name bound default_value|-
TypeVarTuple|type_param|name default_value|-
unaryop|AST||
Invert|unaryop||-
Not|unaryop||-
UAdd|unaryop||-
USub|unaryop||-
withitem|AST|context_expr optional_vars|
"""

_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")


def _make():
    namespace = globals()
    for row in _TABLE.strip().splitlines():
        name, base, fields, place = row.split("|")
        body = {"__module__": "ast"}
        if fields != "-":
            body["_fields"] = body["__match_args__"] = tuple(fields.split())
        if place != "-":
            body["_attributes"] = _PLACE if place else ()
            if place:
                body["end_lineno"] = body["end_col_offset"] = None
        namespace[name] = type(name, (namespace[base],), body)


# Fields that default to a new list, and to None.
_LISTS = {
    "Assign": ('targets',),
    "AsyncFor": ('body', 'orelse'),
    "AsyncFunctionDef": ('body', 'decorator_list', 'type_params'),
    "AsyncWith": ('items', 'body'),
    "BoolOp": ('values',),
    "Call": ('args', 'keywords'),
    "ClassDef": ('bases', 'keywords', 'body', 'decorator_list', 'type_params'),
    "Compare": ('ops', 'comparators'),
    "Delete": ('targets',),
    "Dict": ('keys', 'values'),
    "DictComp": ('generators',),
    "ExceptHandler": ('body',),
    "For": ('body', 'orelse'),
    "FunctionDef": ('body', 'decorator_list', 'type_params'),
    "FunctionType": ('argtypes',),
    "GeneratorExp": ('generators',),
    "Global": ('names',),
    "If": ('body', 'orelse'),
    "Import": ('names',),
    "ImportFrom": ('names',),
    "Interactive": ('body',),
    "JoinedStr": ('values',),
    "List": ('elts',),
    "ListComp": ('generators',),
    "Match": ('cases',),
    "MatchClass": ('patterns', 'kwd_attrs', 'kwd_patterns'),
    "MatchMapping": ('keys', 'patterns'),
    "MatchOr": ('patterns',),
    "MatchSequence": ('patterns',),
    "Module": ('body', 'type_ignores'),
    "Nonlocal": ('names',),
    "Set": ('elts',),
    "SetComp": ('generators',),
    "TemplateStr": ('values',),
    "Try": ('body', 'handlers', 'orelse', 'finalbody'),
    "TryStar": ('body', 'handlers', 'orelse', 'finalbody'),
    "Tuple": ('elts',),
    "TypeAlias": ('type_params',),
    "While": ('body', 'orelse'),
    "With": ('items', 'body'),
    "arguments": ('posonlyargs', 'args', 'kwonlyargs', 'kw_defaults', 'defaults'),
    "comprehension": ('ifs',),
    "match_case": ('body',),
}
_OPTIONAL = {
    "AnnAssign": ('value',),
    "Assert": ('msg',),
    "Assign": ('type_comment',),
    "AsyncFor": ('type_comment',),
    "AsyncFunctionDef": ('returns', 'type_comment'),
    "AsyncWith": ('type_comment',),
    "Constant": ('kind',),
    "ExceptHandler": ('type', 'name'),
    "For": ('type_comment',),
    "FormattedValue": ('format_spec',),
    "FunctionDef": ('returns', 'type_comment'),
    "ImportFrom": ('module', 'level'),
    "Interpolation": ('format_spec',),
    "MatchAs": ('pattern', 'name'),
    "MatchMapping": ('rest',),
    "MatchStar": ('name',),
    "ParamSpec": ('default_value',),
    "Raise": ('exc', 'cause'),
    "Return": ('value',),
    "Slice": ('lower', 'upper', 'step'),
    "TypeVar": ('bound', 'default_value'),
    "TypeVarTuple": ('default_value',),
    "With": ('type_comment',),
    "Yield": ('value',),
    "alias": ('asname',),
    "arg": ('annotation', 'type_comment'),
    "arguments": ('vararg', 'kwarg'),
    "keyword": ('arg',),
    "match_case": ('guard',),
    "withitem": ('optional_vars',),
}

_make()
