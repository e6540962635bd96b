import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeBlock } from './html.ts'
import { renderInline, renderMarkdown } from './markdown.ts'

test('paragraphs, lists with items over two lines, and headings', () => {
  const html = renderMarkdown('One\ntwo\n\n### Three\n\n- a\n  b\n- c\n\n1. x\n2. y')
  assert.equal(
    html.replaceAll(/\n+/g, ''),
    '<p>Onetwo</p><h3 id="three"><a href="#three">Three</a></h3><ul><li>a b</li><li>c</li></ul><ol><li>x</li><li>y</li></ol>',
  )
})

test('tables', () => {
  const html = renderMarkdown('| A | B |\n|---|---|\n| 1 | `2` |')
  assert.ok(html.includes('<th scope="col">A</th><th scope="col">B</th>'))
  assert.ok(html.includes('<td>1</td><td><code>2</code></td>'))
})

test('no HTML passes, in text, code, links or fences', () => {
  assert.equal(renderInline('<b> & `<i>`'), '&lt;b&gt; &amp; <code>&lt;i&gt;</code>')
  assert.equal(renderInline('[x](javascript:alert(1))'), '[x](javascript:alert(1))')
  assert.equal(renderInline('[x](#quote) **y**'), '<a href="#quote">x</a> <strong>y</strong>')
  assert.equal(renderInline('`**x**`'), '<code>**x**</code>')
  assert.equal(renderInline('`coins_sent`'), '<code>coins_<wbr>sent</code>')
  assert.equal(
    renderInline('`0x52908400098527886E0F7030069857D2E4169EE7`'),
    '<code>0x529084000985<wbr>27886E0F703006<wbr>9857D2E4169EE7</code>',
  )
  assert.ok(renderMarkdown('```sh A <b>\n<script>\n```').includes('&lt;script&gt;'))
})

test('a fence that is not closed ends with the text', () => {
  assert.ok(renderMarkdown('```json X\n{"a":1}').includes('&quot;a&quot;'))
})

test('JSON is coloured by its parts, and stays the same text', () => {
  const html = codeBlock('{"a&b":"x: 1","n":-1.5,"t":true}', 'json', 'X')
  assert.ok(
    html.includes('<span class="k">&quot;a&amp;b&quot;</span>:<span class="s">&quot;x: 1&quot;</span>'),
  )
  assert.ok(html.includes('<span class="n">-1.5</span>'))
  assert.ok(html.includes('<span class="n">true</span>'))
})
