/** An element of elements, which are XML already. */
export const element = (name: string, ...children: readonly string[]): string =>
  `<${name}>${children.join('')}</${name}>`

/** An element that holds a text, whatever its characters mean in XML. The text has none that XML can't write. */
export const leaf = (name: string, text: string): string => element(name, escapeXml(text))

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
