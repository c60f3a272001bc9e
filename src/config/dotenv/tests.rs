use super::parse;

/// The value of `A` in a file with `HOST=db` in the environment.
fn value(line: &str) -> Result<String, String> {
    let (mut values, errors) = read(line);
    assert!(errors.is_empty(), "{errors:?}");
    values.remove("A").unwrap()
}

fn read(text: &str) -> (super::Values, Vec<String>) {
    parse(text, |name| (name == "HOST").then(|| "db".to_owned()))
}

#[test]
fn every_way_to_write_a_value_is_read() {
    for (line, expected) in [
        ("A=1", "1"),
        ("A=", ""),
        ("A=   ", ""),
        ("A=   # a comment", ""),
        ("A = 1", "1"),
        ("export A=1", "1"),
        ("export\tA = 1", "1"),
        ("  A=1  ", "1"),
        ("A=1 # a comment", "1"),
        ("A=1\t#a comment", "1"),
        ("A=1#2", "1#2"),
        ("A='*'", "*"),
        ("A=\"*\" # a comment with \"quotes'", "*"),
        ("A='My #1 $calls'", "My #1 $calls"),
        ("A='a\\b'", "a\\b"),
        ("A='\"*\"'", "\"*\""),
        ("A=a' b 'c", "a b c"),
        ("A=\"a\\\"b\\\\c\\$d\\n\"", "a\"b\\c$d\n"),
        ("A=a\\ b", "a b"),
        ("A='two\nlines'", "two\nlines"),
        ("A=a$", "a$"),
        ("A=a$5", "a$5"),
        ("A=postgres://u@$HOST.local/x", "postgres://u@db.local/x"),
        ("A=\"${HOST}s\"", "dbs"),
        ("B=1\nA=$B$B", "11"),
        ("A=1\nA=2", "2"),
        ("A=ü🎧", "ü🎧"),
        ("\u{feff}A=1", "1"),
        ("B=1\n\u{feff}A=1", "1"),
        ("A.b=1\nA=2", "2"),
    ] {
        assert_eq!(value(line).as_deref(), Ok(expected), "{line}");
    }
    let (values, errors) = read("export=1\n");
    assert_eq!((values["export"].as_deref(), errors.len()), (Ok("1"), 0));
}

#[test]
fn what_could_mean_two_things_is_refused_with_its_line() {
    for (line, why) in [
        ("A=two SECRET", "has a blank outside quotes"),
        ("A='SECRET", "has a quotation mark that is not closed"),
        ("A=SECRET's", "has a quotation mark that is not closed"),
        ("A=\"SECRET", "has a quotation mark that is not closed"),
        ("A=\\SECRET", "has a backslash"),
        ("A=SECRET\\", "has a backslash"),
        ("A=x$SECRET", "refers with $"),
        ("A=\"x${SECRET}\"", "refers with $"),
        ("A=x${SECRET", "refers with $"),
        ("A=#SECRET", "begins with #"),
    ] {
        let text = format!("\n# a comment\n{line}\nB=1\n");
        let (values, errors) = read(&text);
        let error = values["A"].clone().unwrap_err();
        assert!(
            error.starts_with(&format!("line 3 of .env {why}")),
            "{line}: {error}"
        );
        assert!(!error.contains("SECRET"), "{error}");
        assert_eq!(
            (values["B"].as_deref(), errors.len()),
            (Ok("1"), 0),
            "{line}"
        );
    }
}

#[test]
fn lines_without_a_name_are_refused() {
    for line in [
        "SECRET",
        "A: SECRET",
        "set A=SECRET",
        "$env:A=\"SECRET\"",
        "1A=SECRET",
        "A-B=SECRET",
        "=SECRET",
        "export SECRET",
    ] {
        let (values, errors) = read(&format!("B=1\n{line}\nC=2\n"));
        assert_eq!(errors.len(), 1, "{line}: {errors:?}");
        assert!(
            errors[0].starts_with("the line after B (line 2) is not NAME=value"),
            "{errors:?}"
        );
        assert!(!errors[0].contains("SECRET"), "{errors:?}");
        assert_eq!(values.len(), 2, "{line}");
    }
}
