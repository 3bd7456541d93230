//! Text to syntax trees. The examples, which are interpreters for a part of the language, read programs with it.

use crate::code::Binary;

#[derive(Clone, Debug)]
pub enum Expr {
    Int(i64),
    Float(f64),
    Str(String),
    Nil,
    Bool(bool),
    Name(String),
    List(Vec<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    Method(Box<Expr>, String, Vec<Expr>),
    Attr(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
}

#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let x = e;` and `x = e;`
    Set(String, Expr),
    SetAttr(Expr, String, Expr),
    AddAttr(Expr, String, Expr),
    SetIndex(Expr, Expr, Expr),
    Expr(Expr),
    Return(Expr),
    Raise(Expr),
    While(Expr, Vec<Stmt>),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Try(Vec<Stmt>, String, Vec<Stmt>),
}

#[derive(Clone, Debug)]
pub struct Func {
    pub name: String,
    pub params: Vec<String>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub struct ClassDef {
    pub name: String,
    pub fields: Vec<String>,
    pub methods: Vec<Func>,
}

#[derive(Clone, Debug, Default)]
pub struct Program {
    pub funcs: Vec<Func>,
    pub classes: Vec<ClassDef>,
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Name(String),
    Int(i64),
    Float(f64),
    Str(String),
    Punct(&'static str),
    End,
}

const PUNCTS: &[&str] = &[
    "==", "!=", "<=", ">=", "+=", "(", ")", "{", "}", "[", "]", ",", ";", ".", "=", "<", ">", "+", "-", "*", "/", "%",
];

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut out = Vec::new();
    let mut line = 1;
    let mut rest = text;
    'next: while let Some(first) = rest.chars().next() {
        let len_while = |test: fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
        if first == '\n' {
            line += 1;
        }
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if first.is_alphabetic() || first == '_' {
            let len = len_while(|c| c.is_alphanumeric() || c == '_');
            out.push((Token::Name(rest[..len].to_string()), line));
            rest = &rest[len..];
        } else if first.is_ascii_digit() {
            let mut len = len_while(|c| c.is_ascii_digit());
            let fraction = rest[len..].strip_prefix('.').filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
            if let Some(fraction) = fraction {
                len += 1 + fraction.find(|c: char| !c.is_ascii_digit() && c != 'e').unwrap_or(fraction.len());
            }
            let number = &rest[..len];
            let token = match fraction {
                Some(_) => number.parse().map(Token::Float).map_err(|_| ()),
                None => number.parse().map(Token::Int).map_err(|_| ()),
            };
            out.push((token.map_err(|()| format!("line {line}: bad number {number}"))?, line));
            rest = &rest[len..];
        } else if first == '"' {
            let len = rest[1..].find('"').ok_or_else(|| format!("line {line}: string without end"))?;
            out.push((Token::Str(rest[1..1 + len].to_string()), line));
            rest = &rest[len + 2..];
        } else {
            for punct in PUNCTS {
                if let Some(tail) = rest.strip_prefix(punct) {
                    out.push((Token::Punct(punct), line));
                    rest = tail;
                    continue 'next;
                }
            }
            return Err(format!("line {line}: unexpected {first}"));
        }
    }
    out.push((Token::End, line));
    Ok(out)
}

pub fn parse(text: &str) -> Result<Program, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let mut program = Program::default();
    while parser.peek() != &Token::End {
        if parser.eat_name("fn") {
            program.funcs.push(parser.func()?);
        } else if parser.eat_name("class") {
            program.classes.push(parser.class()?);
        } else {
            return parser.fail("a function or a class");
        }
    }
    Ok(program)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn fail<T>(&self, wanted: &str) -> Parsed<T> {
        let (token, line) = &self.tokens[self.at];
        Err(format!("line {line}: {wanted} expected, not {token:?}"))
    }

    fn eat(&mut self, punct: &'static str) -> bool {
        let found = self.peek() == &Token::Punct(punct);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, punct: &'static str) -> Parsed<()> {
        if self.eat(punct) { Ok(()) } else { self.fail(punct) }
    }

    fn eat_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(found) if found == name);
        if found {
            self.next();
        }
        found
    }

    fn name(&mut self) -> Parsed<String> {
        match self.next() {
            Token::Name(name) => Ok(name),
            _ => {
                self.at -= 1;
                self.fail("a name")
            }
        }
    }

    fn names(&mut self) -> Parsed<Vec<String>> {
        self.expect("(")?;
        let mut names = Vec::new();
        while !self.eat(")") {
            names.push(self.name()?);
            self.eat(",");
        }
        Ok(names)
    }

    fn func(&mut self) -> Parsed<Func> {
        Ok(Func { name: self.name()?, params: self.names()?, body: self.block()? })
    }

    fn class(&mut self) -> Parsed<ClassDef> {
        let (name, fields) = (self.name()?, self.names()?);
        let mut methods = Vec::new();
        self.expect("{")?;
        while !self.eat("}") {
            if !self.eat_name("fn") {
                return self.fail("fn");
            }
            methods.push(self.func()?);
        }
        Ok(ClassDef { name, fields, methods })
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        let mut body = Vec::new();
        while !self.eat("}") {
            body.push(self.stmt()?);
        }
        Ok(body)
    }

    fn stmt(&mut self) -> Parsed<Stmt> {
        if self.eat_name("while") {
            return Ok(Stmt::While(self.expr()?, self.block()?));
        }
        if self.eat_name("if") {
            let (condition, yes) = (self.expr()?, self.block()?);
            let no = if self.eat_name("else") { self.block()? } else { Vec::new() };
            return Ok(Stmt::If(condition, yes, no));
        }
        if self.eat_name("try") {
            let body = self.block()?;
            if !self.eat_name("catch") {
                return self.fail("catch");
            }
            return Ok(Stmt::Try(body, self.name()?, self.block()?));
        }
        let stmt = if self.eat_name("let") {
            let name = self.name()?;
            self.expect("=")?;
            Stmt::Set(name, self.expr()?)
        } else if self.eat_name("return") {
            Stmt::Return(self.expr()?)
        } else if self.eat_name("raise") {
            Stmt::Raise(self.expr()?)
        } else {
            self.assignment()?
        };
        self.expect(";")?;
        Ok(stmt)
    }

    fn assignment(&mut self) -> Parsed<Stmt> {
        let target = self.expr()?;
        if self.eat("+=") {
            let value = self.expr()?;
            return match target {
                Expr::Attr(object, name) => Ok(Stmt::AddAttr(*object, name, value)),
                Expr::Name(name) => {
                    Ok(Stmt::Set(name.clone(), Expr::Binary(Binary::Add, Box::new(Expr::Name(name)), Box::new(value))))
                }
                _ => self.fail("an attribute or a name before +="),
            };
        }
        if !self.eat("=") {
            return Ok(Stmt::Expr(target));
        }
        let value = self.expr()?;
        match target {
            Expr::Name(name) => Ok(Stmt::Set(name, value)),
            Expr::Attr(object, name) => Ok(Stmt::SetAttr(*object, name, value)),
            Expr::Index(list, index) => Ok(Stmt::SetIndex(*list, *index, value)),
            _ => self.fail("something to assign to"),
        }
    }

    fn expr(&mut self) -> Parsed<Expr> {
        let mut left = self.conjunction()?;
        while self.eat_name("or") {
            left = Expr::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        while self.eat_name("and") {
            left = Expr::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn binary(&mut self, ops: &[(&'static str, Binary)], next: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let mut left = next(self)?;
        while let Some(&(_, op)) = ops.iter().find(|(punct, _)| self.peek() == &Token::Punct(punct)) {
            self.next();
            left = Expr::Binary(op, Box::new(left), Box::new(next(self)?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        use Binary::*;
        self.binary(&[("<", Lt), ("<=", Le), (">", Gt), (">=", Ge), ("==", Eq), ("!=", Ne)], Self::sum)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.binary(&[("+", Binary::Add), ("-", Binary::Sub)], Self::product)
    }

    fn product(&mut self) -> Parsed<Expr> {
        self.binary(&[("*", Binary::Mul), ("/", Binary::Div), ("%", Binary::Mod)], Self::unary)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if self.eat("-") {
            return Ok(match self.unary()? {
                Expr::Int(x) => Expr::Int(-x),
                Expr::Float(x) => Expr::Float(-x),
                other => Expr::Neg(Box::new(other)),
            });
        }
        if self.eat_name("not") {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        let mut expr = self.atom()?;
        loop {
            expr = if self.eat(".") {
                let name = self.name()?;
                if self.eat("(") {
                    Expr::Method(Box::new(expr), name, self.exprs(")")?)
                } else {
                    Expr::Attr(Box::new(expr), name)
                }
            } else if self.eat("(") {
                Expr::Call(Box::new(expr), self.exprs(")")?)
            } else if self.eat("[") {
                let index = self.expr()?;
                self.expect("]")?;
                Expr::Index(Box::new(expr), Box::new(index))
            } else {
                return Ok(expr);
            };
        }
    }

    fn exprs(&mut self, end: &'static str) -> Parsed<Vec<Expr>> {
        let mut exprs = Vec::new();
        while !self.eat(end) {
            exprs.push(self.expr()?);
            if !self.eat(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(exprs)
    }

    fn atom(&mut self) -> Parsed<Expr> {
        match self.next() {
            Token::Int(x) => Ok(Expr::Int(x)),
            Token::Float(x) => Ok(Expr::Float(x)),
            Token::Str(text) => Ok(Expr::Str(text)),
            Token::Name(name) => Ok(match name.as_str() {
                "nil" => Expr::Nil,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                _ => Expr::Name(name),
            }),
            Token::Punct("(") => {
                let expr = self.expr()?;
                self.expect(")")?;
                Ok(expr)
            }
            Token::Punct("[") => Ok(Expr::List(self.exprs("]")?)),
            _ => {
                self.at -= 1;
                self.fail("an expression")
            }
        }
    }
}
