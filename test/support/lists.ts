import assert from 'node:assert/strict'
import type { TestApp } from './app.ts'

/** All that a list has, gone through by page; every page's figures are checked on the way. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the list's items are.
export async function readByPage(t: TestApp, path: string, perPage: number): Promise<any[]> {
  const found: unknown[] = []
  let last = 1
  for (let page = 1; page <= last; page += 1) {
    const { data, pagination } = await readList(t, path, { page, per_page: perPage })
    found.push(...data)
    last = pagination.last_page
    assert.deepEqual(pagination, {
      current_page: page,
      per_page: perPage,
      total: pagination.total,
      total_is_exact: true,
      last_page: Math.max(1, Math.ceil(pagination.total / perPage)),
      next_cursor: page < last ? pagination.next_cursor : null,
    })
    assert.equal(typeof pagination.next_cursor === 'string', page < last)
    if (page === last) assert.equal(found.length, pagination.total)
  }
  return found
}

/** The same by cursor, from the first page on. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the list's items are.
export async function readByCursor(t: TestApp, path: string, perPage: number): Promise<any[]> {
  const first = await readList(t, path, { per_page: perPage })
  const found: unknown[] = [...first.data]
  for (let cursor = first.pagination.next_cursor; cursor !== null; ) {
    const { data, pagination } = await readList(t, path, { per_page: perPage, cursor })
    assert.ok(data.length > 0, 'a cursor leads to something')
    found.push(...data)
    const { next_cursor: next, ...others } = pagination
    assert.deepEqual(others, {
      current_page: null,
      per_page: perPage,
      total: null,
      total_is_exact: false,
      last_page: null,
    })
    cursor = next
  }
  return found
}

/** The answer of a list; fails when it isn't one. */
export async function readList(
  t: TestApp,
  path: string,
  query: Record<string, string | number>,
  // biome-ignore lint/suspicious/noExplicitAny: as above.
): Promise<{ data: any[]; pagination: any }> {
  const all = new URLSearchParams(path.split('?')[1] ?? '')
  for (const [name, value] of Object.entries(query)) all.set(name, String(value))
  const { body } = await t.api('GET', `${path.split('?')[0]}?${all}`)
  assert.equal(body.status, 'ok', JSON.stringify(body))
  return body
}
