// What somebody writes with a client that was generated from the contract; each mistake has to be found.
import createClient from "openapi-fetch"
import type { components, operations, paths } from "./contract.js"

// Asks for JSON only: pages are for browsers.
const client = createClient<paths, `application/${string}json`>({
  baseUrl: "https://contact.example.com",
  headers: { accept: "application/json" },
  querySerializer: { array: { style: "form", explode: false } },
})

export async function requestCallback(name: string, phone: string): Promise<string> {
  const window: components["schemas"]["TimeWindow"] = {
    from: "2026-11-23T10:00:00+01:00",
    to: "2026-11-23T12:00:00+01:00",
  }
  const consent = "callback-de-1"
  const { data, error } = await client.POST("/callbacks", { body: { name, phone, consent, window } })
  if (error) {
    const fields: string[] = error.errors?.map((each) => `${each.field}: ${each.code}`) ?? []
    return [error.code, ...fields].join(", ")
  }
  if (!("reference" in data)) return "" // the page that a plain form is shown
  const received: "received" = data.status
  return `${received} ${data.reference} ${data.expected.from}`
}

export async function countViews(slugs: string[]): Promise<number> {
  const { data } = await client.GET("/articles/views", { params: { query: { slugs } } })
  return Object.values(data?.views ?? {}).reduce((sum, views) => sum + views, 0)
}

export async function claim(id: string, token: string): Promise<string | undefined> {
  const { data } = await client.POST("/staff/callbacks/{id}/claim", {
    params: { path: { id } },
    headers: { authorization: `Bearer ${token}` },
  })
  return data?.contact?.phone
}

export type Popular = operations["listPopularArticles"]["parameters"]["query"]
export const popular: Popular = { window: "7d", limit: 5 }

export async function mistakes(): Promise<void> {
  // @ts-expect-error  there is no such path
  await client.GET("/callback")
  // @ts-expect-error  the declaration's version is missing
  await client.POST("/newsletter/signups", { body: { email: "eva@example.org" } })
  // @ts-expect-error  there is no such window
  await client.GET("/articles/popular", { params: { query: { window: "1y" } } })
  // @ts-expect-error  a request is addressed by its id
  await client.POST("/staff/callbacks/{id}/claim", {})
  const { data } = await client.GET("/health")
  // @ts-expect-error  an answer has no such field
  data?.weather
}
