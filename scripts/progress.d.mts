export function withProgress<T>(what: string, work: (say: (detail: string) => void) => Promise<T>): Promise<T>
/** `1.4 s`, `23 s` */
export function seconds(ms: number): string
/** Colours a text with an SGR code (`1` bold, `2` dim, `31` red, `32` green) where colour is shown and wanted. */
export function paint(code: string, text: string, stream?: NodeJS.WriteStream): string
