/** The calls behind the onboarding page. */
import type {
  DocumentType,
  OnboardingDataRequest,
  OnboardingSubmitRequest,
  OnboardingView,
} from '../../src/hosted/onboarding-wire.ts'
import { call } from '../shared/call.ts'

export interface OnboardingApi {
  token: string
  open(signal?: AbortSignal): Promise<OnboardingView>
  path(): string
  save(data: OnboardingDataRequest): Promise<OnboardingView>
  addDocument(type: DocumentType, file: Blob, name: string): Promise<OnboardingView>
  removeDocument(id: string): Promise<OnboardingView>
  submit(body: OnboardingSubmitRequest): Promise<OnboardingView>
}

export function onboardingApi(url: URL): OnboardingApi {
  const token = /^\/onboarding\/([^/]+)/.exec(url.pathname)?.[1] ?? ''
  const path = `/hosted/onboarding/${token}`
  return {
    token,
    path: () => path,
    open: (signal) => call('GET', path, { signal }),
    save: (data) => call('PUT', `${path}/data`, { body: data }),
    addDocument: (type, file, fileName) => {
      // Some devices don't know what kind a file is of; the server looks at its content anyway.
      const picture = file.type ? file : new Blob([file], { type: 'application/octet-stream' })
      // Minutes, not seconds: ten megabytes over a bad mobile line.
      return call('POST', `${path}/documents/${type}`, { picture, fileName, timeoutMs: 300_000 })
    },
    removeDocument: (id) => call('POST', `${path}/remove-document`, { body: { document_id: id } }),
    submit: (body) => call('POST', `${path}/submit`, { body }),
  }
}
