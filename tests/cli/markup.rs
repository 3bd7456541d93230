//! Whether a page or a picture is well-formed, and complete by itself.

/// Panics if tags are not balanced, an attribute is not quoted, or something outside is referred to.
pub fn check(text: &str) {
    for outside in ["src=\"", "href=\"http", "href=\"//", "@import", "url(", "<link", "fetch(", "XMLHttpRequest"] {
        assert!(!text.contains(outside), "the page refers to something outside: {outside}");
    }
    const VOID: [&str; 6] = ["meta", "br", "hr", "input", "col", "wbr"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let between = &rest[..at];
        assert!(!between.contains('>'), "a stray > in {between:?}");
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            rest = &after[after.find("]]>").expect("CDATA ends") + 3..];
            continue;
        }
        if rest.starts_with("<!") {
            rest = &rest[rest.find('>').expect("a declaration ends") + 1..];
            continue;
        }
        let end = rest.find('>').unwrap_or_else(|| panic!("a tag does not end: {:.80}", rest));
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.trim()), "tags are not balanced before {rest:.80}");
            continue;
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "quotes of <{tag}>");
        let name = tag.split([' ', '\n', '/']).next().unwrap_or("");
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "<{tag}>");
        if tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        open.push(name);
        // What a script or a style holds is no markup.
        if matches!(name, "script" | "style") && !rest.starts_with("<![CDATA[") {
            let end = rest.find(&format!("</{name}>")).unwrap_or_else(|| panic!("<{name}> does not end"));
            rest = &rest[end..];
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    // References to characters.
    for (at, _) in text.match_indices("&") {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#"].iter().any(|known| text[at..].starts_with(known));
        let in_script = text[..at].rfind("<script").is_some_and(|script| text[script..at].find("</script>").is_none());
        assert!(known || in_script, "a bare & in {:.60}", &text[at..]);
    }
}
