"""The bypass: ResNeXt (Xie 2017; 101 layers, 32x8d in the published network) for the detail that patches lose.

Attribute names are the published checkpoint's keys, those of torchvision's ResNet with its stem inside `layer1`.
N frames, H W pixels of the bypass input.
"""

from torch import Tensor, nn
from torch.nn.functional import relu

from .config import ModelConfig

EXPANSION = 4  # a stage's bottlenecks end in EXPANSION times its planes, and are as wide inside (32x8d)


class Bottleneck(nn.Module):
    """1x1, grouped 3x3 and 1x1 convolutions around a shortcut."""

    def __init__(self, before: int, after: int, *, groups: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv3 = nn.Conv2d(after, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        out = relu(self.bn1(self.conv1(x)), inplace=True)
        out = relu(self.bn2(self.conv2(out)), inplace=True)
        return relu(self.bn3(self.conv3(out)) + self.downsample(x), inplace=True)


class ResNeXt(nn.Module):
    """Normalised pictures to a pyramid of four feature maps."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width = config.bypass_width
        stages = []
        before = width
        for index, depth in enumerate(config.bypass_depths):
            after = EXPANSION * width * 2**index
            strides = [1 if index == 0 else 2] + [1] * (depth - 1)
            blocks = []
            for stride in strides:
                blocks.append(Bottleneck(before, after, groups=config.bypass_groups, stride=stride))
                before = after
            stages.append(nn.Sequential(*blocks))
        self.layer1 = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
            stages[0],
        )
        self.layer2, self.layer3, self.layer4 = stages[1:]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised (N, 3, H, W) -> features at 1/4, 1/8, 1/16 and 1/32 of its size, fine to coarse."""
        first = self.layer1(images)
        second = self.layer2(first)
        third = self.layer3(second)
        return [first, second, third, self.layer4(third)]
