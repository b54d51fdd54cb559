//! Compiles the C side and makes bindings to the headers of the very tree being built, so
//! that a debug or a UCS2 build is right by construction. Without the feature it does nothing.

fn main() {
    #[cfg(feature = "interpreter")]
    interpreter::build();
}

#[cfg(feature = "interpreter")]
mod interpreter {
    use std::env;
    use std::path::PathBuf;

    /// The folders of `pyconfig.h` and `Python.h`, as in `PATH`; set by xtask.
    const INCLUDE: &str = "PYTHON27_TRACED_INCLUDE";

    pub fn build() {
        println!("cargo::rerun-if-env-changed={INCLUDE}");
        println!("cargo::rerun-if-changed=c");
        let Some(include) = env::var_os(INCLUDE) else {
            panic!("`{INCLUDE}` is not set; build the hook with `cargo xtask build-python`");
        };
        let folders: Vec<PathBuf> = env::split_paths(&include).collect();
        for folder in &folders {
            for header in ["pyconfig.h", "code.h", "traced.h"] {
                let header = folder.join(header);
                // Naming a file that is not there would run this each time.
                if header.exists() {
                    println!("cargo::rerun-if-changed={}", header.display());
                }
            }
        }
        // CPython 2.7 counts on wrapping and on aliasing, as its own build says.
        cc::Build::new()
            .file("c/hook.c")
            .includes(&folders)
            .flag("-fwrapv")
            .flag("-fno-strict-aliasing")
            .std("gnu99")
            .warnings(true)
            .compile("hook_c");
        bind(&folders);
    }

    fn bind(folders: &[PathBuf]) {
        let types = "PyObject|PyVarObject|PyTypeObject|PyFrameObject|PyCodeObject|PyStringObject|\
                     PyUnicodeObject|PyIntObject|PyLongObject|PyFloatObject|PyComplexObject|\
                     PyTupleObject|PyListObject|PySliceObject|PyByteArrayObject|PyClassObject|\
                     PyCFunctionObject|PyTryBlock|PyDictObject|Py_UNICODE|traced_xrange";
        let singletons = "_PyTraced_(Control|Epoch|Verified|Values|ValueSize|ValueDepth|ValueItems|VALUES_KIND|Saved|NEW|REWRITTEN|DIVIDE|RING_SIZE|PACKET_SIZE|NOWHERE|NOT_PARKED)|PyExc_(SystemError|StopIteration)|_Py_HashSecret|PyLong_SHIFT|TRACED_ASSERTS|\
                          _Py_(None|Ellipsis|NotImplemented)(Struct|Object)|\
                          Py(Code|String|Unicode|Bool|Int|Long|Float|Complex|Tuple|List|Dict|Set|\
                          FrozenSet|Type|ByteArray|Slice|Range|CFunction|Class|Cell)_Type";
        let functions = "traced_(set_)?errno|traced_frame|traced_holds_gil|_PyTraced_(SetMode|Recheck|ForgetValues)|PyDict_Next|\
                         _PySet_NextEntry|PyErr_SetString|PyObject_IsTrue";
        let bindings = bindgen::Builder::default()
            .header("c/hook.h")
            .clang_args(folders.iter().map(|folder| format!("-I{}", folder.display())))
            .allowlist_recursively(true)
            .allowlist_type(types)
            .allowlist_var(singletons)
            .allowlist_function(functions)
            // Types that are only pointed to.
            .opaque_type("_ts|_is")
            .derive_debug(false)
            .generate_comments(false)
            .use_core()
            .generate();
        let file = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("python.rs");
        let bindings = match bindings {
            Ok(bindings) => bindings,
            Err(error) => panic!("cannot bind the headers of the tree: {error}"),
        };
        if let Err(error) = bindings.write_to_file(&file) {
            panic!("cannot write `{}`: {error}", file.display());
        }
    }
}
