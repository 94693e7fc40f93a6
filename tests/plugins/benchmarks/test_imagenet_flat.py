"""ImageNet's flat layout: labels by number or by name, never by a sorted list taken for the devkit's order."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from qbench.api import DataError, Geometry, InputError
from qbench.images.decoding import decode_image
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.imagenet_classes import labels, synsets
from qbench_benchmarks.options import ImageNetOptions

DEVKIT = [*synsets()[500:], *synsets()[:500]]  # an order of its own, as the real one is
NUMBERS = (1, 1000, 501)
TRUTH = "".join(f"{n}\n" for n in NUMBERS)
EXPECTED = [labels()[500], labels()[499], labels()[0]]


@pytest.fixture
def flat(tmp_path):
    """Three images in ``val/``; labels are each test's."""
    (tmp_path / "val").mkdir()
    for i in (1, 2, 3):
        (tmp_path / "val" / f"ILSVRC2012_val_{i:08}.JPEG").touch()
    return tmp_path


def ground_truth(root, text=TRUTH, place="."):
    (root / place).mkdir(parents=True, exist_ok=True)
    (root / place / "ILSVRC2012_validation_ground_truth.txt").write_text(text, "utf-8")


def meta(root, place=".", synsets_=DEVKIT):
    rows = [(i, synset, "words") for i, synset in enumerate(synsets_, start=1)] + [(1001, "n00001740", "an inner node")]
    kinds = [("ILSVRC2012_ID", object), ("WNID", object), ("words", object)]
    (root / place).mkdir(parents=True, exist_ok=True)
    savemat(root / place / "meta.mat", {"synsets": np.array(rows, dtype=kinds)[:, None]})


def solution(root, rows=None, header="ImageId,PredictionString"):
    named = zip((1, 2, 3), (DEVKIT[n - 1] for n in NUMBERS), strict=True)
    rows = rows or [f"ILSVRC2012_val_{i:08},{s} 85 1 499 272 {s} 1 2 3 4 " for i, s in named]
    (root / "LOC_val_solution.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")


@pytest.mark.parametrize("place", [".", "data", "ILSVRC2012_devkit_t12/data"])
def test_the_devkits_numbers_are_read_through_meta_mat(flat, place):
    ground_truth(flat, place=place)
    meta(flat, place)
    items = ImageNet().data(flat)
    assert items.table["item"].tolist() == [f"val/ILSVRC2012_val_{i:08}.JPEG" for i in (1, 2, 3)]
    assert items.table["label"].tolist() == EXPECTED
    assert items.choices["layout"] == "flat, labels of ILSVRC2012_validation_ground_truth.txt and meta.mat"
    assert {path.name for path in items.annotations} == {"ILSVRC2012_validation_ground_truth.txt", "meta.mat"}


def test_or_through_a_list_that_says_the_numbers(flat):
    ground_truth(flat)
    lines = [f"{synset} {i} a_name" for i, synset in enumerate(DEVKIT, start=1)]
    (flat / "map_clsloc.txt").write_text("\n".join(reversed(lines)), "utf-8")
    assert ImageNet().data(flat).table["label"].tolist() == EXPECTED


def test_a_sorted_list_is_not_taken_for_the_devkits_order(flat):
    ground_truth(flat)
    (flat / "synset_words.txt").write_text("\n".join(f"{s} words" for s in synsets()), "utf-8")
    with pytest.raises(DataError, match=r"synset_words\.txt lists the synsets sorted, which is another.*\n.*meta\.mat"):
        ImageNet().data(flat)


def test_the_solution_of_the_competition_names_synsets(flat):
    solution(flat)
    ground_truth(flat, "7\n7\n7\n")  # the file that names synsets goes first
    items = ImageNet().data(flat)
    assert items.table["label"].tolist() == EXPECTED
    assert items.choices["layout"] == "flat, labels of LOC_val_solution.csv"


def test_the_competitions_folders_are_found(tmp_path):
    folder = tmp_path / "ILSVRC" / "Data" / "CLS-LOC" / "val"
    folder.mkdir(parents=True)
    (folder / "ILSVRC2012_val_00000001.JPEG").touch()
    solution(tmp_path)
    assert ImageNet().data(tmp_path).table["item"][0] == "ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000001.JPEG"


def test_images_of_the_list_that_are_not_on_disk_stay_items(flat):
    solution(flat)
    (flat / "val" / "ILSVRC2012_val_00000002.JPEG").unlink()
    assert len(ImageNet().data(flat)) == 3  # and the run refuses, or counts them


def test_flat_images_without_labels_are_refused(flat):
    with pytest.raises(DataError, match=r"neither LOC_val_solution\.csv nor ILSVRC2012_validation_ground_truth"):
        ImageNet().data(flat)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ILSVRC2012_val_00000001,n99999999 1 2 3 4", "row 2: .* has the synsets n99999999; it needs one"),
        ("ILSVRC2012_val_00000001,", "row 2: .* has '', which names no synset"),
        ("ILSVRC2012_val_00000001,nan", "row 2: .* has the synsets nan"),
        ("ILSVRC2012_val_00000001,n01440764 1 2 3 4 n01443537 1 2 3 4", "row 2: .* the synsets n01440764, n01443537"),
        ("val_1,n01440764 1 2 3 4", "row 2: the image 'val_1' is not named like"),
        ("../../etc/passwd,n01440764 1 2 3 4", "row 2: the image '../../etc/passwd' is not named like"),
    ],
)
def test_a_malformed_solution_is_refused(flat, row, said):
    solution(flat, [row])
    with pytest.raises(DataError, match=said):
        ImageNet().data(flat)


def test_a_image_twice_and_a_missing_column_are_refused(flat):
    solution(flat, ["ILSVRC2012_val_00000001,n01440764"] * 2)
    with pytest.raises(DataError, match="row 3: the image ILSVRC2012_val_00000001 occurs already in row 2"):
        ImageNet().data(flat)
    solution(flat, header="ImageId,Prediction")
    with pytest.raises(DataError, match=r"LOC_val_solution\.csv:row 1: the column PredictionString is missing"):
        ImageNet().data(flat)


@pytest.mark.parametrize(
    ("text", "said"), [("1\n1001\n", "row 2: '1001'"), ("1\n\n2\n", "row 2: ''"), ("x\n", "row 1: 'x'")]
)
def test_a_number_out_of_range_is_refused(flat, text, said):
    ground_truth(flat, text)
    meta(flat)
    with pytest.raises(DataError, match=rf"ground_truth\.txt:{said} is not a number from 1 to 1,000"):
        ImageNet().data(flat)


def test_a_mapping_that_is_damaged_or_of_other_classes_is_refused(flat):
    ground_truth(flat)
    (flat / "meta.mat").write_bytes(b"no MATLAB file")
    with pytest.raises(DataError, match=r"meta\.mat: this is not the meta\.mat of the devkit"):
        ImageNet().data(flat)
    meta(flat, synsets_=["n99999999", *DEVKIT[1:]])
    with pytest.raises(DataError, match=r"meta\.mat: it does not give each of ILSVRC2012's 1,000 synsets a number"):
        ImageNet().data(flat)
    (flat / "meta.mat").unlink()
    (flat / "map_clsloc.txt").write_text("n01440764 one\n", "utf-8")
    with pytest.raises(DataError, match=r"map_clsloc\.txt:row 1: 'n01440764 one' is not a synset and its number"):
        ImageNet().data(flat)


def test_a_subset_by_name_by_synset_or_the_first_so_many(imagenet_root):
    def flagged_group(subset):
        return ImageNet(ImageNetOptions(subset=subset)).data(imagenet_root)

    assert flagged_group(("goldfish",)).table["label"].tolist() == ["goldfish"]
    assert flagged_group(("n01440764",)).table["label"].tolist() == ["tench", "tench"]
    assert flagged_group(1).table["label"].tolist() == ["tench", "tench"]
    assert len(flagged_group(2)) == len(flagged_group(())) == 3
    assert flagged_group(2).choices["images"] == "of 2 classes: a trial"
    with pytest.raises(DataError, match="no class of the subset has an image"):
        flagged_group(("hen",))


def test_a_name_that_is_none_or_two_classes_is_refused(imagenet_root):
    for name, said in (("Tench", "is not one of ImageNet's"), ("sunglasses", "belongs to n04355933 and n04356056")):
        with pytest.raises(InputError, match=f"{name}.* {said}"):
            ImageNet(ImageNetOptions(subset=(name,))).data(imagenet_root)


def test_greyscale_images_of_the_real_folder_have_three_equal_channels(real_data):
    folder = real_data("imagenet")
    grey = []
    for ref in ImageNet().data(folder).images:
        with Image.open(ref.where) as image:
            if image.mode == "L":
                grey.append(ref)
    assert grey
    for ref in grey:
        pixels = decode_image(ref, Geometry(size=32))
        assert (pixels == pixels[..., :1]).all()
        assert pixels.std() > 0
