//! Module `_locale`.

use crate::support::int_constants;
use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::vm::Vm;
use std::ffi::{CStr, CString};

pub static MODULE: ModuleDef =
    ModuleDef { name: "_locale", doc: "Support for POSIX locales.", functions: FUNCTIONS, init };

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("setlocale", 1, 2, setlocale)
        .with_doc("setlocale($module, category, locale=None, /)\n--\n\nActivates/queries locale processing."),
    MethodDef::function("localeconv", 0, 0, localeconv)
        .with_doc("localeconv($module, /)\n--\n\nReturns numeric and monetary locale-specific parameters."),
    MethodDef::function("nl_langinfo", 1, 1, |vm, args| {
        let item = vm.index(args.values[0])? as libc::nl_item;
        // SAFETY: returns a string of the C library for any number.
        let text = unsafe { CStr::from_ptr(libc::nl_langinfo(item)) }.to_string_lossy();
        Ok(vm.new_str(&text))
    })
    .with_doc("nl_langinfo($module, key, /)\n--\n\nReturn the value for the locale information associated with key."),
    MethodDef::function("strcoll", 2, 2, |vm, args| {
        let (a, b) = (c_string(vm, args.values[0])?, c_string(vm, args.values[1])?);
        // SAFETY: both are NUL-terminated.
        let order = unsafe { libc::strcoll(a.as_ptr(), b.as_ptr()) };
        Ok(vm.int(i64::from(order)))
    })
    .with_doc("strcoll($module, os1, os2, /)\n--\n\nCompares two strings according to the locale."),
    MethodDef::function("strxfrm", 1, 1, |vm, args| {
        let text = c_string(vm, args.values[0])?;
        unsafe extern "C" {
            fn strxfrm(to: *mut libc::c_char, from: *const libc::c_char, size: usize) -> usize;
        }
        // SAFETY: the text is NUL-terminated; nothing is written.
        let size = unsafe { strxfrm(std::ptr::null_mut(), text.as_ptr(), 0) };
        let mut buffer = vec![0u8; size + 1];
        // SAFETY: the buffer is as long as said.
        unsafe { strxfrm(buffer.as_mut_ptr().cast(), text.as_ptr(), buffer.len()) };
        let text = String::from_utf8_lossy(&buffer[..size]);
        Ok(vm.new_str(&text))
    })
    .with_doc(
        "strxfrm($module, string, /)\n--\n\nReturn a string that can be used as a key for locale-aware comparisons.",
    ),
    MethodDef::function("getencoding", 0, 0, |vm, _| Ok(vm.intern("utf-8")))
        .with_doc("getencoding($module, /)\n--\n\nGet the current locale encoding."),
];

static CONSTANTS: &[(&str, i64)] = &[
    ("LC_CTYPE", libc::LC_CTYPE as i64),
    ("LC_NUMERIC", libc::LC_NUMERIC as i64),
    ("LC_TIME", libc::LC_TIME as i64),
    ("LC_COLLATE", libc::LC_COLLATE as i64),
    ("LC_MONETARY", libc::LC_MONETARY as i64),
    ("LC_MESSAGES", libc::LC_MESSAGES as i64),
    ("LC_ALL", libc::LC_ALL as i64),
    ("CHAR_MAX", 127),
    ("CODESET", libc::CODESET as i64),
    ("D_T_FMT", libc::D_T_FMT as i64),
    ("D_FMT", libc::D_FMT as i64),
    ("T_FMT", libc::T_FMT as i64),
    ("T_FMT_AMPM", libc::T_FMT_AMPM as i64),
    ("AM_STR", libc::AM_STR as i64),
    ("PM_STR", libc::PM_STR as i64),
    ("DAY_1", libc::DAY_1 as i64),
    ("DAY_2", libc::DAY_2 as i64),
    ("DAY_3", libc::DAY_3 as i64),
    ("DAY_4", libc::DAY_4 as i64),
    ("DAY_5", libc::DAY_5 as i64),
    ("DAY_6", libc::DAY_6 as i64),
    ("DAY_7", libc::DAY_7 as i64),
    ("ABDAY_1", libc::ABDAY_1 as i64),
    ("ABDAY_2", libc::ABDAY_2 as i64),
    ("ABDAY_3", libc::ABDAY_3 as i64),
    ("ABDAY_4", libc::ABDAY_4 as i64),
    ("ABDAY_5", libc::ABDAY_5 as i64),
    ("ABDAY_6", libc::ABDAY_6 as i64),
    ("ABDAY_7", libc::ABDAY_7 as i64),
    ("MON_1", libc::MON_1 as i64),
    ("MON_12", libc::MON_12 as i64),
    ("ABMON_1", libc::ABMON_1 as i64),
    ("ABMON_12", libc::ABMON_12 as i64),
    ("RADIXCHAR", libc::RADIXCHAR as i64),
    ("THOUSEP", libc::THOUSEP as i64),
    ("YESEXPR", libc::YESEXPR as i64),
    ("NOEXPR", libc::NOEXPR as i64),
    ("CRNCYSTR", libc::CRNCYSTR as i64),
    ("ERA", libc::ERA as i64),
    ("ERA_D_T_FMT", libc::ERA_D_T_FMT as i64),
    ("ERA_D_FMT", libc::ERA_D_FMT as i64),
    ("ERA_T_FMT", libc::ERA_T_FMT as i64),
    ("ALT_DIGITS", libc::ALT_DIGITS as i64),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    int_constants(vm, module, CONSTANTS);
    // Text is in the environment's encoding; one that does not say is taken for UTF-8 (PEP 538).
    // SAFETY: the names are NUL-terminated.
    unsafe {
        let chosen = libc::setlocale(libc::LC_CTYPE, c"".as_ptr());
        if chosen.is_null() || CStr::from_ptr(chosen).to_bytes() == b"C" {
            libc::setlocale(libc::LC_CTYPE, c"C.UTF-8".as_ptr());
        }
    }
    // `locale.Error`.
    let namespace = vm.new_dict();
    let module_name = vm.intern("locale");
    vm.dict_set_str(namespace, "__module__", module_name);
    let name = vm.new_str("Error");
    let bases = vm.new_tuple(&[vm.exc.exception.value()]);
    let error = vm.call(vm.types.type_.value(), &[name, bases, namespace])?;
    vm.module_set(module, "Error", error);
    Ok(())
}

fn c_string(vm: &mut Vm, value: Value) -> PyResult<CString> {
    let text = vm.str(value)?;
    match CString::new(text) {
        Ok(text) => Ok(text),
        Err(_) => Err(vm.value_error("embedded null character")),
    }
}

fn locale_error(vm: &mut Vm, text: &str) -> Raised {
    let raise = |vm: &mut Vm| {
        let module = objects::module::import(vm, "_locale")?;
        let class = vm.getattr_str(module, "Error")?;
        let text = vm.new_str(text);
        vm.call(class, &[text])
    };
    match raise(vm) {
        Ok(exception) => vm.raise_instance(exception),
        Err(raised) => raised,
    }
}

fn setlocale(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let category = vm.index(args.values[0])? as i32;
    let wanted = args.get(1).filter(|&value| value != vm.none);
    let result = match wanted {
        Some(locale) => {
            let locale = c_string(vm, locale)?;
            // SAFETY: the name is NUL-terminated; no other thread formats numbers.
            unsafe { libc::setlocale(category, locale.as_ptr()) }
        }
        // SAFETY: a query.
        None => unsafe { libc::setlocale(category, std::ptr::null()) },
    };
    if result.is_null() {
        let text = if wanted.is_some() { "unsupported locale setting" } else { "locale query failed" };
        return Err(locale_error(vm, text));
    }
    // SAFETY: not null: a string of the C library, valid until the next call.
    let name = unsafe { CStr::from_ptr(result) }.to_string_lossy();
    Ok(vm.new_str(&name))
}

fn localeconv(vm: &mut Vm, _: &CallArgs) -> PyResult {
    // SAFETY: returns a structure of the C library, valid until the locale changes.
    let conventions = unsafe { &*libc::localeconv() };
    let dict = vm.new_dict();
    let texts = [
        ("decimal_point", conventions.decimal_point),
        ("thousands_sep", conventions.thousands_sep),
        ("int_curr_symbol", conventions.int_curr_symbol),
        ("currency_symbol", conventions.currency_symbol),
        ("mon_decimal_point", conventions.mon_decimal_point),
        ("mon_thousands_sep", conventions.mon_thousands_sep),
        ("positive_sign", conventions.positive_sign),
        ("negative_sign", conventions.negative_sign),
    ];
    for (name, text) in texts {
        // SAFETY: strings of the C library.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        let text = vm.new_str(&text);
        vm.dict_set_str(dict, name, text);
    }
    for (name, groups) in [("grouping", conventions.grouping), ("mon_grouping", conventions.mon_grouping)] {
        // SAFETY: strings of the C library.
        let groups = unsafe { CStr::from_ptr(groups) }.to_bytes();
        let mut sizes: Vec<Value> = groups.iter().map(|&size| Value::from_int(i64::from(size))).collect(); // immediate
        // The last group repeats, unless the list says that it does not.
        if groups.last().is_some_and(|&last| last != 127) {
            sizes.push(Value::from_int(0));
        }
        let sizes = vm.new_list(&sizes);
        vm.dict_set_str(dict, name, sizes);
    }
    let numbers = [
        ("int_frac_digits", conventions.int_frac_digits),
        ("frac_digits", conventions.frac_digits),
        ("p_cs_precedes", conventions.p_cs_precedes),
        ("p_sep_by_space", conventions.p_sep_by_space),
        ("n_cs_precedes", conventions.n_cs_precedes),
        ("n_sep_by_space", conventions.n_sep_by_space),
        ("p_sign_posn", conventions.p_sign_posn),
        ("n_sign_posn", conventions.n_sign_posn),
    ];
    for (name, number) in numbers {
        vm.dict_set_str(dict, name, Value::from_int(i64::from(number)));
    }
    Ok(dict)
}
