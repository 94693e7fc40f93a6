"""What a dataset.toml may say: a wrong key or value is refused in words that name file and key."""

import subprocess
import sys

import pytest

from qbench.declared.options import DeclaredOptions
from qbench.declared.read import FILE, WORDS, digest, find, read_description, read_raw
from qbench.declared.record import declared_benchmark, describe
from qbench.errors import DataError, InputError, RenamedWarning
from qbench.plugins.options import make_options, public_options
from qbench.report.formatting import options

PAIRS = {"attributes": {"sex": {"pairs": [["woman", "man"]]}}}


def test_a_description_is_read(declare):
    found = read_description(declare(PAIRS))
    assert found.name == "jobs"
    assert found.table.folder == ["."]
    assert found.attributes["sex"].values == {"woman": ["f"], "man": ["m"]}
    assert found.attributes["sex"].compared() == ("woman", "man")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"name": None}, "the key 'name' is missing"),
        ({"name": "a/b"}, "name: String should match"),
        ({"nmae": "x"}, "unknown key 'nmae'; did you mean 'name'?"),
        ({"protocol": None}, "the key 'protocol' is missing"),
        (
            {"protocol": "skew"},
            "protocol: Input should be 'classification-disparity', 'retrieval-skew', 'multiple-choice'",
        ),
        ({"licence": None}, "the key 'licence' is missing"),
        ({"licence": ""}, "licence: String should have at least 1 character"),
        ({"perceived": None}, "the key 'perceived' is missing"),
        ({"perceived": "perhaps"}, "perceived: Input should be a valid boolean"),
        ({"summary": 3}, "summary: Input should be a valid string"),
        ({"citation": 3}, "citation: Input should be a valid string"),
        ({"how_to_get": 3}, "how_to_get: Input should be a valid string"),
        ({"note": 3}, "note: Input should be a valid string"),
        ({"items": -1}, "items: Input should be greater than or equal to 0"),
        ({"min_group": 0}, "min_group: Input should be greater than or equal to 1"),
        ({"ks": [2]}, "the description: ks has no meaning for the protocol 'classification-disparity'"),
        ({"target": "gallery"}, "target has no meaning for the protocol"),
        ({"table": None}, "the key 'table' is missing"),
        ({"table": {"file": None}}, "the key 'table.file' is missing"),
        ({"table": {"file": "people.xlsx"}}, "table.file: a table is a .csv or a .parquet file"),
        ({"table": {"image": None}}, "the key 'table.image' is missing"),
        ({"table": {"images": "file"}}, "unknown key 'table.images'; did you mean 'image'?"),
        ({"table": {"suffix": 1}}, "table.suffix: Input should be a valid string"),
        ({"table": {"id": 1}}, "table.id: Input should be a valid string"),
        ({"table": {"label": None}}, "needs table.label, the column with the correct class"),
        ({"table": {"also_right": "second"}}, "table.also_right: Input should be a valid list"),
        ({"table": {"box": {"x": "x", "y": "y"}}}, "table.box: a box is one column, or four"),
        ({"table": {"keep": "test"}}, "table.keep: it has to be a table, such as { key = value }"),
        ({"table": {"leave_out_unlabelled": "maybe"}}, "table.leave_out_unlabelled: Input should be a valid boolean"),
        ({"prompts": None}, "needs prompts.template"),
        ({"prompts": {"template": "a photo"}}, "prompts.template: 'a photo' does not have exactly one {}"),
        ({"prompts": {"template": ["{}", "{} {}"]}}, "'{} {}' does not have exactly one {}"),
        *(
            ({"prompts": {"template": template}}, f"{template!r} does not have exactly one {{}}")
            for template in ("{:>999999999999}", "{0} {0.__class__}", "{:{}}", "{!r}", "{}}", "{name}")
        ),
        ({"prompts": {"template": ["{}", "{}"]}}, "prompts.template: '{}' occurs twice"),
        ({"prompts": {"classes": ["a", "a"]}}, "prompts.classes: 'a' occurs twice"),
        ({"prompts": {"classes": ["a", " "]}}, "prompts.classes: one of them is empty"),
        ({"prompts": {"classes": ["a"], "names": {"b": "B"}}}, "names has 'b', which is not one of the classes"),
        ({"prompts": {"queries": ["a"]}}, "prompts.queries has no meaning for the protocol"),
        ({"prompts": {"known_ties": ["ab"]}}, "prompts.known_ties.0: Input should be a valid tuple"),
        ({"prompts": {"known_ties": [["a", "a"]]}}, "known_ties has a pair of 'a' and itself"),
        ({"prompts": {"classes": ["a", "b"], "known_ties": [["a", "c"]]}}, "known_ties has 'c', which is not one of"),
        ({"prompts": {"names": {"a": "x", "b": "y"}, "known_ties": [["c", "a"]]}}, "known_ties has 'c', which is not"),
        (
            {"prompts": {"names": {"a": "x", "b": "x", "c": "x"}, "known_ties": [["a", "b"], ["c", "b"]]}},
            "prompts: 'x' occurs twice",
        ),
        ({"prompts": {"set": "concepts-10"}}, "prompts: a prompt set has its own sentences"),
        ({"prompts": {"set": "concepts"}}, "prompts.set: there are the sets berg-2022, concepts-10"),
        ({"prompts": {"template_": "a"}}, "unknown key 'prompts.template_'; did you mean 'template'?"),
        ({"attributes": None}, "the key 'attributes' is missing"),
        ({"attributes": {"label": {"groups": ["a", "b"]}}}, "an attribute cannot be called 'label'"),
        ({"attributes": {"sex": {"colum": "x"}}}, "unknown key 'attributes.sex.colum'; did you mean 'column'?"),
        ({"attributes": {"sex": {"values": None}}}, "say which groups there are"),
        ({"attributes": {"sex": {"values": {"woman": None}}}}, "attributes: sex has one group"),
        ({"attributes": {"sex": {"values": {"woman": ["m"]}}}}, "the value 'm' belongs to 'woman' and to 'man'"),
        ({"attributes": {"sex": {"bins": {"a": [0, 1]}}}}, "give one of values, bins and flags, not values and bins"),
        ({"attributes": {"years": {"bins": {"a": [1, 0]}}}}, "its upper limit is not above its lower limit"),
        ({"attributes": {"years": {"bins": {"a": [0, 9], "b": [8, 12]}}}}, "'a' and 'b' overlap"),
        ({"attributes": {"years": {"bins": {"a": [0]}}}}, "attributes.years.bins.a: there are too few values"),
        ({"attributes": {"tone": {"votes": ["t1"]}}}, "say which groups there are"),
        ({"attributes": {"tone": {"votes": ["t1"], "groups": ["a", "b"]}}}, "votes go with bins"),
        ({"attributes": {"tone": {"flags": {"a": "dark"}, "column": "x"}}}, "flags name their columns themselves"),
        ({"attributes": {"tone": {"flags": {"a": "dark"}, "other": "x"}}}, "with flags nothing is other"),
        ({"attributes": {"sex": {"groups": ["woman", "men"]}}}, "groups has 'men', which is not one of 'woman', 'man'"),
        ({"attributes": {"sex": {"groups": ["man", "man"]}}}, "'man' occurs twice"),
        ({"attributes": {"sex": {"values": {"": "x"}}}}, "a group has no name"),
        ({"attributes": {"sex": {"other": "man"}}}, "other is 'man', which is compared"),
        ({"attributes": {"sex": {"pairs": [["man", "men"]]}}}, "the pair ['man', 'men'] is not of two of the groups"),
        ({"attributes": {"sex": {"pairs": [["man", "man"]]}}}, "the pair ['man', 'man'] is not of two"),
        ({"attributes": {"cosine": {"groups": ["a", "b"]}}}, "an attribute cannot be called 'cosine'"),
        ({"attributes": {"model": {"groups": ["a", "b"]}}}, "an attribute cannot be called 'model'"),
        ({"attributes": {"label2": {"groups": ["a", "b"]}}}, "an attribute cannot be called 'label2'"),
        (
            {"attributes": {"age": {"groups": ["18", "18-24", "24-30", "30"]}}},
            "the pairs ['18', '24-30'] and ['18-24', '30'] of 'age' have the same label '18-24-30'",
        ),
        (
            {"attributes": {"sex": {"values": {"Man": ["q"]}}}},
            "attributes.sex: 'Man' and 'man' differ in their spelling",
        ),
        ({"prompts": {"classes": ["a b", "a_b"]}}, "prompts.classes: 'a b' and 'a_b' differ in their spelling only"),
        ({"prompts": {"classes": ["a", "b"], "names": {"a": "b"}}}, "prompts: 'b' occurs twice"),
        ({"perceived": "yes"}, "perceived: Input should be a valid boolean"),
        ({"min_group": True}, "min_group: Input should be a valid integer"),
        ({"items": "5"}, "items: Input should be a valid integer"),
        ({"attributes": {"years": {"bins": {"a": ["0", 1]}}}}, "bins.a.0: Input should be a valid number"),
    ],
)
def test_what_it_cannot_say_is_refused_with_file_and_key(declare, change, said):
    path = declare(change)
    with pytest.raises(DataError) as caught:
        read_description(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ks": []}, "ks: List should have at least 1 item"),
        ({"ks": [0]}, "ks.0: Input should be greater than or equal to 1"),
        ({"ks": [True]}, "ks.0: Input should be a valid integer"),
        ({"ks": [2, 2]}, "ks: a cut-off is named twice"),
        ({"target": "half"}, "target: Input should be 'uniform' or 'gallery'"),
        ({"min_group": 3}, "min_group has no meaning for the protocol 'retrieval-skew'"),
        ({"table": {"label": "job"}}, "table.label has no meaning"),
        ({"prompts": {"classes": ["a"]}}, "prompts.classes has no meaning"),
        ({"prompts": {"known_ties": [["a", "b"]]}}, "prompts.known_ties has no meaning"),
        ({"prompts": {"queries": ["a", "a"]}}, "prompts.queries: 'a' occurs twice"),
        ({"prompts": {"queries": None}}, "needs prompts.queries or prompts.set"),
        (PAIRS, "attributes.sex.pairs has no meaning"),
    ],
)
def test_what_a_ranking_cannot_say_is_refused_too(declare, change, said):
    with pytest.raises(DataError) as caught:
        read_description(declare(change, "rank"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"), [(b"name = ", "not a TOML file"), (b'name = "\xff"', "byte 8 is not UTF-8")]
)
def test_a_damaged_file_is_refused(tmp_path, content, said):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError, match=said):
        declared_benchmark(tmp_path)


def test_a_folder_without_one_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"dataset\.toml: the file does not exist\nName a folder"):
        find(tmp_path)


def test_a_record_says_what_a_user_chooses_by(declare):
    record = describe(declare({"note": "Mind the gap.", "items": 5, "summary": "Five people"}))
    assert (record.name, record.summary, record.licence) == ("jobs", "Five people", "CC0-1.0")
    assert (record.note, record.items) == ("Mind the gap.", 5)
    assert [m.name for m in record.metrics][:2] == ["accuracy", "recall"]
    assert all(m.statistic for m in (*record.metrics, *describe(declare({}, "rank")).metrics))


def test_the_data_is_found_where_it_lies_beside_the_file(declare):
    path = declare()
    assert declared_benchmark(path).root == path.parent
    (path.parent / "people.csv").unlink()
    assert declared_benchmark(path).root is None
    assert describe(path).root == path.parent


def test_a_registered_one_is_light(declare):
    code = (
        "import sys; from qbench.api import declared_benchmark; declared_benchmark(sys.argv[1]);"
        "print(sorted({'numpy', 'pandas', 'pydantic', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(declare())]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_registered_one_is_checked_when_it_is_used(declare):
    record = declared_benchmark(declare({"attributes": None}))
    with pytest.raises(DataError, match="the key 'attributes' is missing"):
        record.load(record.options())
    with pytest.raises(DataError, match="the key 'name' is missing or not a text"):
        declared_benchmark(declare({"name": None}))
    with pytest.raises(DataError, match="protocol: 'skew' is not one of"):
        declared_benchmark(declare({"protocol": "skew"}))


def test_a_changed_description_is_another_result_but_for_its_words(declare):
    def protocol(change):
        return declared_benchmark(declare(change)).protocol

    same = [{}, {"note": "x"}, {"summary": "x"}, {"licence": "x"}, {"items": 9}, {"perceived": False}]
    assert len({protocol(change) for change in same}) == 1
    other = [{"min_group": 2}, {"prompts": {"template": "{}"}}, {"attributes": {"sex": {"values": {"man": "x"}}}}]
    assert len({protocol(change) for change in [{}, *other]}) == 4
    assert len(digest(read_raw(declare()))) == 12
    assert {"summary", "note"} <= {*WORDS}


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("classify", {"ks": [2]}, "the option 'ks' has no meaning"),
        ("classify", {"target": "gallery"}, "the option 'target' has no meaning"),
        ("rank", {"min_group": 2}, "the option 'min_group' has no meaning"),
        ("rank", {"ks": [0]}, "different whole numbers from 1"),
        ("rank", {"target": "half"}, "target is 'half'"),
        ("classify", {"min_group": -1}, "min_group is -1"),
        ("classify", {"min_group": False}, "False is a value of another type"),
        ("classify", {"shuffle_answers": False}, "False is a value of another type"),
        ("classify", {"min_groups": 1}, "Did you mean 'min_group'"),
    ],
)
def test_options_that_do_not_fit_are_refused(declare, kind, options, said):
    record = describe(declare({}, kind))
    with pytest.raises(InputError, match=said):
        record.load(make_options(record.options, options, where="jobs"))


def test_the_former_name_of_the_image_column_gives_the_same_benchmark(declare):
    new = declared_benchmark(declare())
    former = declare({"table": {"image": None, "picture": "file"}})
    with pytest.warns(RenamedWarning, match=r"dataset\.toml: table: 'picture' is now called 'image'"):
        old = declared_benchmark(former)
    assert (old.name, old.protocol) == (new.name, new.protocol)
    with pytest.warns(RenamedWarning):
        assert read_description(former).table.image == "file"


def test_both_names_of_the_image_column_are_refused(declare):
    with pytest.raises(InputError, match=r"dataset\.toml: table: 'picture' is the former name of 'image'"):
        read_raw(declare({"table": {"picture": "file"}}))


def test_options_that_leave_the_choice_to_the_description_are_not_shown_as_values():
    left, empty = DeclaredOptions(), DeclaredOptions(min_group=0, ks=(), target="")
    assert left == empty  # a spec or a run of an earlier version says it so
    assert options(public_options(left)) == "none"
    assert options(public_options(DeclaredOptions(ks=(5, 10)))) == "ks = [5, 10]"
