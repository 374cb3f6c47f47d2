import { defaultFieldResolver, type GraphQLSchema, isObjectType } from "graphql";

/**
 * Photos that the server serves itself have addresses below its root. Where browsers reach it elsewhere, `publicUrl` is
 * put before them; photos with an address of their own keep it.
 */
export function withPhotosAt(schema: GraphQLSchema, publicUrl: string | undefined): GraphQLSchema {
  const type = schema.getType("ProductImage");
  const field = isObjectType(type) ? type.getFields().url : undefined;
  if (publicUrl === undefined || field === undefined) return schema;
  const resolve = field.resolve ?? defaultFieldResolver;
  field.resolve = async (...args) => {
    const url: unknown = await resolve(...args);
    return typeof url === "string" && url.startsWith("/") ? publicUrl + url : url;
  };
  return schema;
}
