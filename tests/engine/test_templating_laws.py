"""Laws of templating, for whatever values there are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stepengine.errors import TemplateError
from stepengine.secrecy.secrets import Secrets
from stepengine.templating import Scope, compile_template, references

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner), max_leaves=20
)
# Text that is full of what placeholders are made of: references alone, and whatever an expression may have.
REFERENCES = [
    "{",
    "}",
    "{{",
    "}}",
    "{{ ",
    " }}",
    "a",
    "a-b.c",
    ".",
    "$",
    "$A",
    "|",
    "\\",
    " ",
    "\n",
    "{%",
    "{#",
    "{{ a.b }}",
]
EXPRESSIONS = [
    *REFERENCES,
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    "0",
    "default(",
    "prefect.blocks.",
    "prefect.variables.x",
    "| upper",
]
references_only = st.lists(st.sampled_from(REFERENCES), max_size=25).map("".join)
braces = st.lists(st.sampled_from(EXPRESSIONS), max_size=25).map("".join)
# Ids as people write them; those that are words of Jinja work like any other.
names = st.from_regex(r"[a-z_][a-z0-9_]*(-[a-z0-9_]+)*", fullmatch=True)
# In an expression with more than the name, they are what they are in Jinja.
plain_names = names.filter(
    lambda name: name not in {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none"}
)


@settings(deadline=None)
@given(values)
def test_a_value_without_double_braces_is_no_template(value):
    if "{{" not in str(value):
        assert compile_template(value) is None


@settings(deadline=None)
@given(st.text())
def test_text_without_a_closed_placeholder_is_no_template(text):
    assert compile_template(text.replace("}}", "}")) is None


@settings(deadline=None)
@given(braces)
def test_any_text_compiles_and_renders_or_fails_with_a_message(text):
    template = compile_template({"a": [text]})
    if template is None:
        return
    for problem in template.problems:
        assert text.startswith("{{", problem.offset)
        assert problem.message
    for reference in template.references:
        assert text.startswith(reference.text.split()[0], reference.offset)
    try:
        template.render(Scope({"a": {"b": "x"}, "a-b": {"c": 1}}, environment={"A": "e"}.get))
    except TemplateError as error:
        failure = error.message
    else:
        failure = "none"
    assert failure


@settings(deadline=None)
@given(references_only)
def test_where_nothing_has_a_value_all_stays_byte_for_byte(text):
    template = compile_template({"a": text})
    if template is not None:
        assert template.render(Scope(missing="keep")).value == {"a": text}


@settings(deadline=None)
@given(names, names, values)
def test_a_whole_value_keeps_its_type_and_identity(step, output, value):
    for text in (f"{{{{ {step}.{output} }}}}", f"{{{{\n{step}[{output}]}}}}"):
        template = compile_template({"x": text})
        assert template.render(Scope({step: {output: value}})).value["x"] is value


@settings(deadline=None)
@given(names, st.text() | st.integers() | st.none(), st.text(), st.text())
def test_an_embedded_value_becomes_text(name, value, before, after):
    before, after = before.replace("{", ""), after.replace("}", "")
    if "{{" in after:
        return
    template = compile_template(f"{before}{{{{ {name} }}}}-{after}")
    assert template.render(Scope({name: value})).value == f"{before}{value}-{after}"


@settings(deadline=None)
@given(plain_names, braces | st.just("{{ $TOKEN }}"))
def test_no_output_is_ever_rendered(name, text):
    scope = Scope({name: text}, environment={"A": "expanded", "TOKEN": "expanded"}.get)
    assert compile_template(f"{{{{ {name} }}}}").render(scope).value == text
    assert compile_template(f"<{{{{ {name} }}}}>").render(scope).value == f"<{text}>"
    assert compile_template(f"{{{{ ({name}) }}}}").render(scope).value == text


@settings(deadline=None)
@given(braces | st.just("{{ a }}"))
def test_no_environment_value_is_ever_rendered(text):
    scope = Scope({"a": "expanded"}, environment={"X": text}.get)
    assert compile_template("{{ $X }}").render(scope).value == text
    assert compile_template("{{ a }}{{ $X }}").render(scope).value == f"expanded{text}"


@settings(deadline=None)
@given(names, names)
def test_a_hyphenated_name_is_one_name_in_an_expression(step, output):
    template = compile_template(f"{{{{ {step}.{output} | default('x') ~ '!' }}}}")
    [reference] = template.references
    assert (reference.head, reference.path, reference.optional) == (step, (output,), True)
    assert template.render(Scope({step: {output: "v"}})).value == "v!"
    assert template.render(Scope({})).value == "x!"


@settings(deadline=None)
@given(st.text(alphabet="abcdefgh01-_/+ ", min_size=12).filter(lambda text: len(text.strip()) >= 12), plain_names)
def test_a_secret_in_is_a_secret_out(secret, name):
    secrets = Secrets()
    scope = Scope({name: "v"}, environment={"A_TOKEN": secret}.get, secrets=secrets)
    for text in ("{{ $A_TOKEN }}", "x{{ $A_TOKEN }}", "{{ $A_TOKEN | reverse }}", "{{ [$A_TOKEN, " + name + "] }}"):
        rendered = compile_template({"a": [text]}).render(scope)
        assert rendered.tainted
        assert "***" in rendered.shown["a"][0]
        assert secret.strip() not in str(rendered.shown)
        assert secret.strip() not in secrets.mask(str(rendered.value["a"][0]))


@given(st.lists(st.sampled_from(["{{ ", "'", '"', "\\", "(", "[", "}", "x"]), min_size=1, max_size=12).map("".join))
def test_finding_placeholders_reads_each_character_a_few_times_however_long_the_text_is(piece):
    read = []

    class Counted:
        def finditer(self, *arguments):
            for match in tokens.finditer(*arguments):
                read.append(len(match.group()))
                yield match

    tokens = references._TOKENS
    references._TOKENS = Counted()
    try:
        for repeats in (100, 200, 400):
            read.clear()
            text = piece * repeats
            list(references.placeholders(text))
            assert sum(read) <= 3 * len(text)
    finally:
        references._TOKENS = tokens
