/** The calls behind the verification page. */
import type {
  IdentificationCheck,
  IdentificationCheckRequest,
  KycDataRequest,
  KycView,
  PhotoKind,
  PhotoResult,
} from '../../src/hosted/wire.ts'
import { call } from '../shared/call.ts'

export interface KycApi {
  token: string
  open(signal?: AbortSignal): Promise<KycView>
  path(): string
  save(data: KycDataRequest): Promise<KycView>
  checkNumber(body: IdentificationCheckRequest, signal: AbortSignal): Promise<IdentificationCheck>
  photo(kind: PhotoKind, picture: Blob): Promise<PhotoResult>
  submit(): Promise<KycView>
}

export function kycApi(url: URL): KycApi {
  const token = /^\/kyc\/([^/]+)/.exec(url.pathname)?.[1] ?? ''
  const path = `/hosted/kyc/${token}`
  return {
    token,
    path: () => path,
    open: (signal) => call('GET', path, { signal }),
    save: (data) => call('PUT', `${path}/data`, { body: data }),
    checkNumber: (body, signal) => call('POST', `${path}/identification/check`, { body, signal }),
    // Minutes, not seconds: three megabytes over a bad mobile line.
    photo: (kind, picture) => call('PUT', `${path}/photos/${kind}`, { picture, timeoutMs: 180_000 }),
    submit: () => call('POST', `${path}/submit`, { body: { declare: true } }),
  }
}
