from ..b import value as v
