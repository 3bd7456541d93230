"""sqlparse: statements split, parsed and written neatly."""
import sqlparse
from measure import measure

PART = (
    "select a.x, count(*) as n{n}, case when b.y > {n} then 'big' else 'small' end from t{n} a left join (select * from u where z in "
    "(1, 2, {n})) b on a.id = b.id where a.name like 'x%' and exists (select 1 from v) group by 1 having count(*) > 2 order by n{n} desc; "
    "insert into w{n} (p, q) values ({n}, 'it''s'), (2, null); update t set x = x + 1 where id = {n}; -- done\n"
)
TEXT = "".join(PART.format(n=n) for n in range(4))

measure(lambda: sqlparse.format(TEXT, reindent=True, keyword_case="upper", strip_comments=True))
