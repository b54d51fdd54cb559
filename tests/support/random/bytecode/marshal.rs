//! Constants and code objects, and how `Python/marshal.c` writes them.

/// What is in `co_consts`.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    None,
    Ellipsis,
    StopIteration,
    Bool(bool),
    Int(i32),
    /// A long integer, by its digits of 15 bits, the lowest first.
    Long(Vec<u16>),
    Float(f64),
    Complex(f64, f64),
    Bytes(Vec<u8>),
    Unicode(&'static str),
    Tuple(Vec<Constant>),
    FrozenSet(Vec<Constant>),
    Code(Box<Code>),
}

/// A code object; what is not here follows from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Code {
    pub arguments: u32,
    pub stack_size: u32,
    pub flags: u32,
    pub code: Vec<u8>,
    pub constants: Vec<Constant>,
    pub names: Vec<Vec<u8>>,
    pub locals: Vec<Vec<u8>>,
    pub free: Vec<Vec<u8>>,
    pub cells: Vec<Vec<u8>>,
    pub name: Vec<u8>,
    pub first_line: u32,
    pub line_table: Vec<u8>,
}

/// The bytes of a `.pyc` of 2.7 with this code object.
pub fn pyc(code: &Code) -> Vec<u8> {
    let mut bytes = vec![0x03, 0xf3, 0x0d, 0x0a, 0, 0, 0, 0];
    code.write(&mut bytes);
    bytes
}

impl Constant {
    /// The constant that a string of ASCII makes.
    pub fn text(text: &str) -> Constant {
        Constant::Bytes(text.into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Constant::None => out.push(b'N'),
            Constant::Ellipsis => out.push(b'.'),
            Constant::StopIteration => out.push(b'S'),
            Constant::Bool(value) => out.push(if *value { b'T' } else { b'F' }),
            Constant::Int(value) => {
                out.push(b'i');
                out.extend(value.to_le_bytes());
            }
            Constant::Long(digits) => {
                out.push(b'l');
                number(digits.len(), out);
                digits.iter().for_each(|digit| out.extend(digit.to_le_bytes()));
            }
            Constant::Float(value) => {
                out.push(b'g');
                out.extend(value.to_le_bytes());
            }
            Constant::Complex(real, imaginary) => {
                out.push(b'y');
                out.extend(real.to_le_bytes());
                out.extend(imaginary.to_le_bytes());
            }
            Constant::Bytes(bytes) => string(bytes, out),
            Constant::Unicode(text) => {
                out.push(b'u');
                number(text.len(), out);
                out.extend(text.as_bytes());
            }
            Constant::Tuple(items) => sequence(b'(', items, out),
            Constant::FrozenSet(items) => sequence(b'>', items, out),
            Constant::Code(code) => code.write(out),
        }
    }
}

impl Code {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'c');
        out.extend(self.arguments.to_le_bytes());
        number(self.locals.len(), out);
        out.extend(self.stack_size.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        string(&self.code, out);
        sequence(b'(', &self.constants, out);
        for names in [&self.names, &self.locals, &self.free, &self.cells] {
            out.push(b'(');
            number(names.len(), out);
            names.iter().for_each(|name| string(name, out));
        }
        string(b"<random>", out);
        string(&self.name, out);
        out.extend(self.first_line.to_le_bytes());
        string(&self.line_table, out);
    }
}

fn number(value: usize, out: &mut Vec<u8>) {
    let value = u32::try_from(value).expect("nothing here has 4 GiB");
    out.extend(value.to_le_bytes());
}

fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b's');
    number(bytes.len(), out);
    out.extend(bytes);
}

fn sequence(kind: u8, items: &[Constant], out: &mut Vec<u8>) {
    out.push(kind);
    number(items.len(), out);
    items.iter().for_each(|item| item.write(out));
}
