from __future__ import annotations

from typing import Any

import pytest

from dancereid_pipeline.common.errors import DanceReIDError, SourceError

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")
pytest.importorskip("timm", reason="needs timm: make test-slow")

from dancereid_pipeline.training.encoder import Design, Encoder, check_weights  # noqa: E402
from dancereid_pipeline.training.learner import EncoderLearner  # noqa: E402
from dancereid_pipeline.training.memory import step_bytes  # noqa: E402
from dancereid_pipeline.training.methods import METHODS, recipe  # noqa: E402
from dancereid_pipeline.training.objective import objective  # noqa: E402
from dancereid_pipeline.training.parts import PARTS, part_features  # noqa: E402
from dancereid_pipeline.training.timm_model import timm_features  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def resnet() -> Any:
    return Encoder(Design("resnet18", people=7)).eval()


def test_the_last_stride_of_a_resnet_is_one_and_nothing_is_dilated(resnet: Any) -> None:
    with torch.no_grad():
        images = torch.randn(2, 3, 256, 128)
        found = resnet.backbone(images)
        assert tuple(found.shape) == (2, 512, 16, 8)
        raw, normal = resnet(images, torch.zeros(2, 17, 2))
    torch.testing.assert_close(raw, found.amax(dim=(2, 3)))
    torch.testing.assert_close(normal, raw / (1 + 1e-5) ** 0.5)  # of a new neck
    assert {m.dilation for m in resnet.modules() if isinstance(m, torch.nn.Conv2d)} == {(1, 1)}
    assert not resnet.neck.bias.requires_grad
    assert resnet.neck.weight.requires_grad
    assert resnet.classifier.bias is None
    assert resnet.classifier.weight.std().item() == pytest.approx(0.001, rel=0.1)


def test_the_switches_of_the_encoder(resnet: Any) -> None:
    design = Design("resnet18", people=7, stem_without_relu=True, frozen_neck=True)
    published = Encoder(design).eval()
    for norm in resnet.modules():  # timm's blocks begin as their shortcuts, which end in a ReLU
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(norm.weight)
    published.load_state_dict(resnet.state_dict())
    assert not published.neck.weight.requires_grad
    images = torch.randn(1, 3, 256, 128)
    with torch.no_grad():
        stem = resnet.backbone.bn1(resnet.backbone.conv1(images))
        assert (stem < 0).any()
        net = resnet.backbone
        expected = net.layer4(net.layer3(net.layer2(net.layer1(net.maxpool(stem)))))
        torch.testing.assert_close(published.backbone(images), expected)
        assert not torch.allclose(resnet.backbone(images), expected)


def test_a_resnet_needs_eighty_mebibytes_an_image() -> None:
    # What is known of ResNet-50 with last stride 1, in float32 training; and by hand, of the rest.
    resnet = Encoder(Design("resnet50", people=7))
    weights = 4 * sum(parameter.nbytes for parameter in resnet.parameters())
    learner = EncoderLearner(resnet, recipe("softmax"))
    each = (step_bytes(learner, 128) - weights) / 128 / 2**20
    assert 70 < each < 90
    small = EncoderLearner(Encoder(Design("small", people=7)), recipe("softmax"))
    weights = 4 * sum(parameter.nbytes for parameter in small.encoder.parameters())
    maps = 32 * 64 * 32 + 64 * 32 * 16 + 96 * 16 * 8 + (128 + 192) * 8 * 4
    assert step_bytes(small, 3) - weights == 3 * 4 * (3 * maps + 192)


def test_the_small_net_has_maps_of_8_by_4() -> None:
    net = Encoder(Design("small", people=3))
    assert tuple(net.backbone(torch.zeros(1, 3, 128, 64)).shape) == (1, 192, 8, 4)


def test_strong_and_parts_pool_by_the_mean() -> None:
    assert [name for name in METHODS if recipe(name).mean] == ["strong", "parts"]
    net = Encoder(Design.of(recipe("strong"), "small", people=3)).eval()
    images = torch.randn(2, 3, 128, 64)
    with torch.no_grad():
        raw, _ = net(images, torch.zeros(2, 17, 2))
        torch.testing.assert_close(raw, net.backbone(images).mean(dim=(2, 3)))


def test_backbones_that_do_not_fit() -> None:
    with pytest.raises(DanceReIDError, match="timm knows no model 'resnet5000'"):
        Encoder(Design("resnet5000", people=3))
    with pytest.raises(DanceReIDError, match=r"a net that turns 256 x 128 .* timm:vit_tiny"):
        Encoder(Design("vit_tiny_patch16_224", people=3))
    net = Encoder(Design("small", people=3))
    other = Encoder(Design("small", people=4)).state_dict()
    with pytest.raises(SourceError, match=r"'classifier.weight' to have the shape \[3, 192\]"):
        check_weights(net.state_dict(), other, "here")
    del other["neck.weight"]
    with pytest.raises(SourceError, match=r"expected a tensor 'neck.weight', there is none"):
        check_weights(net.state_dict(), other, "here")


def test_a_model_of_timm_as_it_is() -> None:
    import timm

    torch.manual_seed(0)
    net = timm.create_model("resnet18", num_classes=0).eval()
    torch.manual_seed(0)
    compute = timm_features("resnet18", torch.device("cpu"), pretrained=False)
    image = torch.full((2, 256, 128, 3), 51, dtype=torch.uint8)
    with torch.no_grad():
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        expected = net((torch.full((2, 3, 224, 224), 0.2) - mean) / std)
        torch.testing.assert_close(compute({"image": image}), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(DanceReIDError, match=r"timm knows no model 'resnet5000'"):
        timm_features("resnet5000", torch.device("cpu"))


def test_without_a_network_one_line_says_how_to_bring_the_weights() -> None:
    for fetch in (
        lambda: timm_features("resnet18", torch.device("cpu")),
        lambda: Encoder(Design("resnet18", people=3), pretrained=True),
    ):
        with pytest.raises(SourceError, match=r"'resnet18' cannot be fetched .*hf download"):
            fetch()


def test_parts_by_hand() -> None:
    # A map with a 1 in one cell; 16 by 8 cells of 8 by 8 pixels.
    found = torch.zeros(1, 1, 16, 8)
    found[0, 0, 4, 2] = 1
    keypoints = torch.full((1, 17, 2), float("nan"))
    assert part_features(found, keypoints, (128, 64)).tolist() == [[[0.0]] * len(PARTS)]
    keypoints[0, 0] = torch.tensor([19.5, 35.5])  # the nose, at the centre of that cell
    head, *others = part_features(found, keypoints, (128, 64))[0, :, 0].tolist()
    # The Gaussian of sigma 8 pixels, one cell: the middle of it over its sum, times 1 of 5 joints.
    rows = sum(2.718281828 ** (-((r - 4) ** 2) / 2) for r in range(16))
    columns = sum(2.718281828 ** (-((c - 2) ** 2) / 2) for c in range(8))
    assert head == pytest.approx(1 / (rows * columns) / 5, rel=1e-4)
    assert others == [0, 0, 0]
    # A joint outside the image counts as one that is not seen.
    keypoints[0, 5] = torch.tensor([70.0, 35.5])
    assert part_features(found, keypoints, (128, 64))[0, 1].item() == 0


@pytest.mark.parametrize("method", [name for name in METHODS if name != "st-reidnet"])
def test_the_terms_of_each_method(method: str) -> None:
    chosen = recipe(method)
    design = Design("small", people=4, verification=2 * bool(chosen.verification),
                    parts=chosen.parts)  # fmt: skip
    torch.manual_seed(0)
    encoder = Encoder(design)
    assert encoder.columns == 192 * (5 if method == "parts" else 1)
    images = torch.randn(12, 3, 128, 64)
    keypoints = torch.rand(12, 17, 2) * 60
    terms = objective(chosen, encoder, images, keypoints, torch.arange(12) % 4)
    assert (
        set(terms)
        == {
            "softmax": {"classification"},
            "siamese": {"verification"},
            "triplet": {"triplet"},
            "strong": {"classification", "triplet"},
            "parts": {"classification", "triplet"},
        }[method]
    )
    sum(terms.values()).backward()
    gradient = encoder.backbone[0].weight.grad
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0


def test_thirds_of_triples_are_normalized_by_themselves() -> None:
    encoder = Encoder(Design("small", people=4))
    images, keypoints = torch.randn(12, 3, 128, 64), torch.zeros(12, 17, 2)
    classes = torch.arange(4).repeat(3)
    found = objective(recipe("triplet"), encoder, images, keypoints, classes)["triplet"]
    from dancereid_pipeline.training.losses import batch_hard_triplet

    raw = torch.cat([encoder(i, k)[0] for i, k in zip(images.chunk(3), keypoints.chunk(3),
                                                      strict=True)])  # fmt: skip
    torch.testing.assert_close(found, batch_hard_triplet(raw, classes))


def test_recipes() -> None:
    assert recipe("softmax").switches == ()
    assert recipe("triplet", "published").switches == (
        "stem_without_relu", "frozen_neck", "misplaced_erasing",
    )  # fmt: skip
    assert "verification_over_people" in recipe("siamese", "published").switches
    assert len(recipe("st-reidnet", "published").switches) == 8
    with pytest.raises(DanceReIDError, match="'strong' was not published"):
        recipe("strong", "published")
    # Epochs 0-39, 40-79 and 80-99 of 100.
    rates = [recipe("softmax").rate(epoch / 100) for epoch in (0, 39, 40, 79, 80, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    strong = [recipe("strong").rate(epoch / 120) for epoch in (0, 5, 10, 39, 40, 70)]
    # Constant up to epoch 48, counted from 0, then linear; the 100th epoch at rate 0.
    rates = [recipe("st-reidnet").rate(epoch / 100) for epoch in (0, 48, 49, 98, 98.9, 99)]
    assert rates == pytest.approx([1, 1, 50 / 51, 1 / 51, 1 / 51, 0])
    assert strong == pytest.approx([0.1, 0.55, 1, 1, 0.1, 0.01])
