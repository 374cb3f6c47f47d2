import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

/** @param uri such as https://similar.shop.example/graphql */
export function createClient(uri: string, storefrontKey?: string): ApolloClient {
  return new ApolloClient({
    link: new HttpLink({ uri, headers: storefrontKey === undefined ? {} : { "x-storefront-key": storefrontKey } }),
    cache: new InMemoryCache({
      typePolicies: {
        // Pages of one list are joined; another product or filter is another list.
        Query: { fields: { similarItems: relayStylePagination(["productId", "filter", "options"]) } },
        Product: { fields: { similarItems: relayStylePagination(["filter", "options"]) } },
      },
    }),
  });
}
