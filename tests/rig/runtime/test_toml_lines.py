"""On which line a key of a TOML text stands."""

import tomllib

from rig.runtime.toml_lines import line_of, locate

TEXT = '''\
a = 1
"b.c" = """two
lines with a = 2 and [x] in them"""  # 2

[d.e] # 5
'f g' = { h = 1, i = { j = [1, 2] } }
k.l = 'it''
[[m]]
n = [ # [9]
  1, "]", # 10

  [2, 3], ]
[[m]]
[m.o]
p = 2024-01-01
[[m.q]]
r = "\\"]"
s = """"quoted""""
'''.replace("'it''", "'it'")


def test_every_key_has_its_line():
    tomllib.loads(TEXT)
    assert locate(TEXT) == {
        ("a",): 1, ("b.c",): 2, ("d",): 5, ("d", "e"): 5, ("d", "e", "f g"): 6, ("d", "e", "f g", "h"): 6,
        ("d", "e", "f g", "i"): 6, ("d", "e", "f g", "i", "j"): 6, ("d", "e", "f g", "i", "j", 0): 6,
        ("d", "e", "f g", "i", "j", 1): 6, ("d", "e", "k"): 7, ("d", "e", "k", "l"): 7,
        ("m",): 8, ("m", 0): 8, ("m", 0, "n"): 9, ("m", 0, "n", 0): 10, ("m", 0, "n", 1): 10,
        ("m", 0, "n", 2): 12, ("m", 0, "n", 2, 0): 12, ("m", 0, "n", 2, 1): 12,
        ("m", 1): 13, ("m", 1, "o"): 14, ("m", 1, "o", "p"): 15,
        ("m", 1, "q"): 16, ("m", 1, "q", 0): 16, ("m", 1, "q", 0, "r"): 17, ("m", 1, "q", 0, "s"): 18,
    }  # fmt: skip


def test_what_is_not_there_is_placed_at_what_is_around_it():
    lines = locate(TEXT)
    assert line_of(lines, ("d", "e", "missing")) == 5
    assert line_of(lines, ("missing",)) is None


def test_an_empty_text_and_one_without_a_last_line_end():
    assert locate("") == {}
    assert locate("# only a remark") == {}
    assert locate("a = 1") == {("a",): 1}
