//! Attributes whose type changes: floats that become something else, in instances with a dictionary, with slots and with both.

use super::Generator;
use super::Type::{Any, Float, Int};

impl Generator {
    /// Classes whose attributes are floats at first, mostly.
    pub(super) fn field_classes(&mut self) {
        let (first, second) =
            (self.random.pick(&["0.5", "0.5", "0.0", "0", "None"]), self.random.pick(&["-0.0", "1e300", "2"]));
        self.line("class F:");
        self.line(&format!("    def __init__(self, u={first}, v={second}):"));
        self.line("        self.u = u");
        self.line("        self.v = v");
        self.line("        self.w = 1.25");
        self.line("    def step(self, a): self.u = self.v; self.v = a; return self");
        self.line("    def __repr__(self): return type(self).__name__");
        self.line("class F2(F): pass");
        self.line("class G:");
        self.line("    __slots__ = ('u', 'v', 'w')");
        self.line(&format!("    def __init__(self, u={first}, v={second}):"));
        self.line("        self.v = v");
        self.line("        self.u = u");
        self.line("    step = F.step");
        self.line("    __repr__ = F.__repr__");
        self.line("class G2(G): __slots__ = ('__dict__',)");
        self.line("class G3:");
        self.line("    __slots__ = ('u', 'v', 'w')");
        self.line("    step = F.step");
        self.line("    __repr__ = F.__repr__");
    }

    /// The instances that a function works on.
    pub(super) fn field_objects(&mut self) {
        self.line("fs = [F(0.25, 1.5), F(2.5), G(0.75, -1.5), G2(1.5, 2.5), F2(3.5, 0.5), F()]");
    }

    pub(super) fn field_statement(&mut self) {
        let index = if self.scope.in_loop && self.random.chance(60) {
            self.random.pick(&["i % 6", "i % 2", "i % 3 + 2"]).to_string()
        } else {
            self.random.below(6).to_string()
        };
        let (float, any) = (self.expression(Float, 2), self.expression(Any, 1));
        let (target, number) = (self.target(Float), self.target(Int));
        // What changes a type happens once in a while, so that compiled code has settled by then.
        let now = if self.scope.in_loop { format!("i % 41 == {}", self.random.below(41)) } else { "True".into() };
        let form = self.random.pick(&[
            "#.u = @",
            "#.v = @",
            "#.u = (#.u if isinstance(#.u, float) else 0.25) * 1.0625 % 100.0",
            "#.v = -#.v if isinstance(#.v, float) else 1e300",
            "~#.u = $",
            "~#.v = $",
            "~#.w = @",
            "~if hasattr(#, 'w'): del #.w",
            "~if hasattr(#, 'u'): del #.u; #.u = @",
            "~fs[!] = F(@, @)",
            "~fs[!] = F2(@)",
            "~fs[!] = G(@, $)",
            "~fs[!] = G2($, @); fs[!].x = @",
            "~if type(#) is F: #.__class__ = F2",
            "~if type(#) is G: #.__class__ = G3",
            "~if hasattr(#, '__dict__'): log(sorted(vars(#)))",
            "~if hasattr(#, '__dict__'): #.__dict__['v'] = @",
            "log([getattr(#, name, None) for name in ('u', 'v', 'w', 'x')])",
            "TT = #.u if isinstance(#.u, float) and abs(#.u) < 1e9 else 0.5",
            "TT = #.v if isinstance(#.v, float) and abs(#.v) < 1e9 else 0.75",
            "NN = (#.u is #.v) + (#.u == #.v)",
            "#.step(@)",
            "#.u, #.v = #.v, #.u",
            "NN = sum(1 for o in fs if isinstance(o.u, float))",
        ]);
        let form = form.replace("~if ", &format!("if {now} and ")).replace('~', &format!("if {now}: "));
        let form = form.replace('#', "fs[!]").replace('!', &index);
        let form = form.replace("TT", &target).replace("NN", &number);
        self.line(&form.replace('$', &any).replace('@', &float));
    }
}
