"""pycodestyle: how a program is written."""
import pycodestyle
from measure import measure

PART = """
def  function{n}( a,b = 3 ) :
    x=a+b ;  y = [ 1,2 , 3]
    if x==None :
        return( y [0] )
    if not x in y: print ("a very long line that goes on and on" , x,y, "until it is longer than it may be")
    l = lambda q : q
class Local{n} :
	def method(self): return self . x

"""
LINES = "".join(PART.format(n=n) for n in range(40)).splitlines(keepends=True)


def run():
    style = pycodestyle.StyleGuide(quiet=2, reporter=pycodestyle.BaseReport, config_file=False, parse_argv=False)
    report = style.init_report(pycodestyle.BaseReport)
    style.input_file("x.py", lines=list(LINES))
    return sorted(report.counters.items())


measure(run)
