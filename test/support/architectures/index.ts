import type { Architecture } from "./architecture.type.js";
import { convnext } from "./convnext.js";
import { efficientnet } from "./efficientnet.js";
import { resnet } from "./resnet.js";
import { clipTower, visionTransformer } from "./vision-transformer.js";

export type { Architecture } from "./architecture.type.js";
export { clipTower, convnext, efficientnet, resnet, visionTransformer };

/** Every architecture in a size that trains in a second. The names say what each is a small form of. */
export const smallArchitectures: Readonly<Record<string, () => Architecture>> = {
  "ResNet-50": () => resnet({ width: 4, depths: [1, 2, 1, 1], side: 32 }),
  "EfficientNet-B0": () =>
    efficientnet({
      width: 4,
      stages: [
        [3, 4, 1, 1, 1],
        [3, 6, 2, 2, 3],
        [5, 8, 1, 2, 3],
        [5, 8, 1, 1, 3],
      ],
      side: 24,
    }),
  "ConvNeXt-Tiny": () => convnext({ widths: [4, 6, 8], depths: [1, 1, 2], side: 32 }),
  "ViT-S/16": () => visionTransformer({ width: 12, heads: 3, depth: 3, patch: 8, side: 24 }),
  "CLIP vision tower": () => clipTower({ width: 12, heads: 2, depth: 3, patch: 8, side: 24 }),
};
