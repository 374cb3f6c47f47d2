import { writeFileSync } from "node:fs";
import { makeStorefrontTypes, STOREFRONT_TYPES } from "./storefront-types.js";

writeFileSync(STOREFRONT_TYPES, await makeStorefrontTypes());
