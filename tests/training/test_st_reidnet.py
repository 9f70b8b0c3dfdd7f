from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import dancereid

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy  # noqa: E402

from dancereid_pipeline.training.augmentation import MIRRORED  # noqa: E402
from dancereid_pipeline.training.encoder import Design, Encoder  # noqa: E402
from dancereid_pipeline.training.methods import recipe  # noqa: E402
from dancereid_pipeline.training.model_folder import load_model  # noqa: E402
from dancereid_pipeline.training.pose_maps import body_masks, pose_maps  # noqa: E402
from dancereid_pipeline.training.st_nets import Generator, PoseDiscriminator  # noqa: E402
from dancereid_pipeline.training.st_reidnet import StReIDNet  # noqa: E402

pytestmark = pytest.mark.slow
SIZE = (256, 128)
B = 3


def convolved(layers: Any, found: Any) -> list[tuple[int, ...]]:
    """The shape behind each convolution."""
    shapes = []
    for layer in layers:
        found = layer(found)
        if "Conv" in type(layer).__name__:
            shapes.append(tuple(found.shape[1:]))
    return shapes


def test_shapes_layer_by_layer() -> None:
    generator = Generator(2048, SIZE).eval()
    with torch.no_grad():
        assert convolved(generator.down, torch.zeros(1, 17, *SIZE)) == [
            (64, 128, 64), (128, 64, 32), (256, 32, 16), (512, 16, 8), (512, 8, 4), (128, 1, 1),
        ]  # fmt: skip
        assert convolved(generator.up, torch.zeros(1, 2048 + 128, 1, 1)) == [
            (512, 8, 4), (512, 16, 8), (256, 32, 16), (128, 64, 32), (64, 128, 64), (3, 256, 128),
        ]  # fmt: skip
        judge = PoseDiscriminator().eval()
        poses, images = torch.zeros(1, 17, *SIZE), torch.zeros(1, 3, *SIZE)
        assert tuple(judge(poses, images).shape) == (1, 1, 30, 14)
    convolutions = [m for m in generator.modules() if "Conv" in type(m).__name__]
    assert all(m.bias is None for m in convolutions)
    assert convolutions[1].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert sum(isinstance(m, torch.nn.Dropout) for m in generator.modules()) == 5


def some_keypoints() -> Any:
    keypoints = torch.rand(2, 17, 2, generator=torch.Generator().manual_seed(0)) * 100 + 10
    keypoints[0, 0] = torch.tensor([-0.9, 255.9])  # inside: it is truncated toward zero
    keypoints[0, 1] = torch.tensor([128.0, 50.0])
    keypoints[1, 2] = torch.tensor([float("nan"), 50.0])
    return keypoints


def test_pose_maps_are_filtered_pixels() -> None:
    keypoints = some_keypoints()
    found = pose_maps(keypoints, SIZE, torch.tensor([4, 6])).numpy()
    for image, sigma in enumerate([4.0, 6.0]):
        for joint in range(17):
            pixel = np.zeros(SIZE)
            if (image, joint) not in [(0, 1), (1, 2)]:
                x, y = keypoints[image, joint].numpy().astype(int)
                pixel[y, x] = 1
                width = 2 * int(4 * sigma + 0.5) + 1
                pixel = cv2.GaussianBlur(
                    pixel, (width, width), sigma, borderType=cv2.BORDER_REFLECT
                )
                pixel /= pixel.max()
            assert np.allclose(found[image, joint], pixel, atol=1e-5)


def test_masks_are_discs_and_thick_lines() -> None:
    keypoints = some_keypoints()
    found = body_masks(keypoints, SIZE).numpy()[:, 0]
    lines = {
        20: [(0, 1), (0, 2), (1, 3), (2, 4), (5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15),
             (12, 14), (14, 16)],
        30: [(5, 6), (5, 11), (6, 12), (11, 12), (6, 11), (5, 12), (0, 6), (0, 5)],
    }  # fmt: skip
    for image in range(2):
        drawn = np.zeros(SIZE, np.uint8)
        absent = 2 if image else 1
        points = {j: tuple(map(int, keypoints[image, j])) for j in range(17) if j != absent}
        for joint, point in points.items():
            cv2.circle(drawn, point, 10 if joint else 20, 1, -1)
        for thickness, pairs in lines.items():
            for one, other in pairs:
                if one in points and other in points:
                    cv2.line(drawn, points[one], points[other], 1, thickness)
        both, either = (drawn > 0) & (found[image] > 0), (drawn > 0) | (found[image] > 0)
        assert both.sum() > 0.98 * either.sum() > 1000


def learner(preset: str = "mended") -> Any:
    """With the small net, without dropout, so that it can be computed again."""
    torch.manual_seed(3)
    net = StReIDNet(
        Encoder(Design("small", people=4, raw=True)), recipe("st-reidnet", preset), pretrained=False
    )
    for module in net.generator.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    net.train()
    net.set_rate(0.0)
    return net


def batch() -> tuple[Any, Any, Any]:
    random = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (3 * B, 64, 32, 3), dtype=torch.uint8, generator=random)
    keypoints = torch.rand(3 * B, 17, 2, generator=random) * 30
    return images, keypoints, torch.tensor([0, 1, 2, 0, 1, 2, 1, 2, 3])


def entropy(logits: Any, target: float) -> Any:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


@pytest.mark.parametrize("preset", ["mended", "published"])
def test_the_gradients_of_a_step_by_the_formulas(preset: str) -> None:
    net = learner(preset)
    images, keypoints, classes = batch()
    again = copy.deepcopy(net)
    terms = net.step(images, keypoints, classes, np.random.default_rng(5))
    random = np.random.default_rng(5)
    random.integers(2**63)
    seen = again._triples(images, keypoints, classes, random)
    a, p, n = (slice(i * B, (i + 1) * B) for i in range(3))
    encoded = [again.encoder(seen.seen[part], None) for part in (a, p, n)]
    g_a, g_p, g_n = (raw for raw, _ in encoded)

    def drawn(pose: slice, feature: Any) -> Any:
        pixels = again.generator(seen.poses[pose], feature)
        if preset == "published":
            return pixels
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        return ((pixels + 1) / 2 - mean) / std

    fake = torch.cat([drawn(a, g_a), drawn(p, g_p), drawn(n, g_n)])
    swap = torch.cat([drawn(a, g_p), drawn(p, g_a)])

    def image_judge(shown: Any) -> Any:
        return again.image_judge.classifier(again.image_judge(shown, None)[1])

    real_target, fake_target = random.uniform(0.9, 1), random.uniform(0, 0.1)
    random.random()
    loss = entropy(image_judge(seen.real), real_target) / 2
    loss = loss + entropy(image_judge(torch.cat([fake, swap]).detach()), fake_target) / 2
    loss.backward()
    assert terms["image_judge"] == pytest.approx(loss.item(), rel=1e-5)
    compare(net.image_judge, again.image_judge)

    poses, real = seen.poses, seen.real
    asked = torch.cat([poses, poses[a], poses[p], poses[p], poses[a]])
    shown = torch.cat([fake, swap, real[a], real[p]])
    real_target, fake_target = random.uniform(0.9, 1), random.uniform(0, 0.1)
    loss = entropy(again.pose_judge(poses, real), real_target) / 2
    loss = loss + entropy(again.pose_judge(asked, shown.detach()), fake_target) / 2
    loss.backward()
    assert terms["pose_judge"] == pytest.approx(loss.item(), rel=1e-5)
    compare(net.pose_judge, again.pose_judge)

    def masked(drawn: Any, wanted: Any, mask: Any) -> Any:
        total = 0.0
        for x, t, m in zip(drawn, wanted, mask, strict=True):
            total = total + ((x - t).abs() * (1 + 9 * m)).sum()
        return total / drawn.numel() / 10

    own = masked(fake, real, seen.masks)
    other = masked(swap, torch.cat([real[a], real[p]]), torch.cat([seen.masks[a], seen.masks[p]]))
    reconstruction = 0.3 * own + 0.7 * other
    fooling = entropy(image_judge(torch.cat([fake, swap])), 1.0)
    fooling = fooling + entropy(again.pose_judge(asked, shown), 1.0)
    logits = again.encoder.classifier(torch.cat([normal for _, normal in encoded]))
    people = cross_entropy(logits, classes, label_smoothing=0.1)
    features, hardest = torch.cat([g_a, g_p, g_n]), []
    for anchor in range(2 * B):
        apart = [(features[anchor] - other).norm() for other in features]
        same = [j for j in range(3 * B) if classes[j] == classes[anchor] and j != anchor]
        ap = max(apart[j] for j in same)
        an = min(apart[j] for j in range(3 * B) if classes[j] != classes[anchor])
        hardest.append(torch.log1p(torch.exp(ap - an)))
    triplet = torch.stack(hardest).mean()
    found = (terms["reconstruction"], terms["fooling"], terms["classification"], terms["triplet"])
    assert found == pytest.approx(
        (reconstruction.item(), fooling.item(), people.item(), triplet.item()), rel=1e-4
    )
    generator_loss = 0.1 * fooling + 10 * reconstruction
    times = 2 if preset == "published" else 1
    (times * generator_loss + triplet + people).backward()
    compare(net.encoder, again.encoder)
    compare(net.generator, again.generator)


def compare(net: torch.nn.Module, again: torch.nn.Module) -> None:
    """Both have the same gradients, and not only zeros."""
    largest = 0.0
    for (name, one), other in zip(net.named_parameters(), again.parameters(), strict=True):
        if one.requires_grad:
            scale = other.grad.abs().max().item()
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-4 * scale, msg=name)
            largest = max(largest, scale)
    assert largest > 0


def test_the_judge_of_images_keeps_its_statistics() -> None:
    net = learner()
    before = copy.deepcopy(net.image_judge.state_dict())
    net.step(*batch(), np.random.default_rng(0))
    after = net.image_judge.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)  # at rate 0
    assert any("running_mean" in name for name in before)
    moving = copy.deepcopy(net.pose_judge.state_dict())
    net.step(*batch(), np.random.default_rng(0))
    assert not torch.equal(moving["layers.3.running_mean"], net.pose_judge.layers[3].running_mean)


def test_a_flip_exchanges_sides_unless_as_published() -> None:
    images, keypoints, classes = batch()
    maps = [
        learner(preset)._triples(images, keypoints, classes, np.random.default_rng(5)).poses
        for preset in ("mended", "published")
    ]
    flips = learner().augmentation.draw(np.random.default_rng(5), 3 * B, (64, 32)).flips
    assert 0 < flips.sum() < 3 * B
    for mended, published, flipped in zip(*maps, flips, strict=True):
        assert torch.equal(mended[list(MIRRORED)] if flipped else mended, published)
        assert not flipped or not torch.equal(mended, published)


def test_it_learns_to_draw_the_demo(demo_built: Any, tmp_path: Path) -> None:
    options = {"backbone": "small", "weights": "none", "batch": 8, "lr": 0.002}
    dancereid.train(demo_built, tmp_path, method="st-reidnet", steps=45, **options)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert log[2]["reconstruction"] < 0.95 * log[0]["reconstruction"]
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == [f"epoch-000{n}.png" for n in (1, 2, 3)]
    assert cv2.imread(str(tmp_path / "pictures" / pictures[0])).shape == (4 * 128, 6 * 64, 3)
    result = json.loads((tmp_path / "result.json").read_text())
    # What is searched with is the feature before the normalization.
    images = demo_built["test"]
    model = load_model(tmp_path)
    assert model.design.raw
    rows = dancereid.extract(images, tmp_path)
    scores = dancereid.evaluate(rows, images["person_id"][:], images["frame"][:]).to_dict()
    assert result["test"]["mAP"] == round(100 * scores["mean_ap"], 2)
    before = replace(model.design, raw=False)
    (tmp_path / "model.json").write_text(json.dumps(asdict(before)))
    assert not np.allclose(dancereid.extract(images, tmp_path), rows)
