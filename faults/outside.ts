import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACCOUNT_FILE } from '@parley/infra/fcm-service'
import type { Server } from '@parley/infra/server'
import type { Recorder } from './recorder.ts'
import type { FcmTold } from './stand-ins/fcm.ts'
import type { PushTold } from './stand-ins/push.ts'
import { MENDED, openStandIn, type StandIn } from './stand-ins/stand-in.ts'

/** What notices leave by, beyond the services: a browser's push service, Google, a mail server; each a process that breaks as any other. */
export interface Outside extends AsyncDisposable {
  readonly push: StandIn<PushTold>
  readonly fcm: StandIn<FcmTold>
  readonly servers: readonly Server[]
  /** For the processes of ours: where they find them. */
  readonly env: Record<string, string>
  /** From then on they break nothing by themselves. */
  mend(): void
}

export async function openOutside(recorder: Recorder, seed: number): Promise<Outside> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-outside-'))
  const open = <Told>(name: string): Promise<StandIn<Told>> => {
    const own = join(folder, name)
    mkdirSync(own)
    return openStandIn<Told>({ name, program: `${name}.ts`, seed }, own, recorder)
  }
  const [push, fcm, smtp] = await Promise.all([open<PushTold>('push'), open<FcmTold>('fcm'), open<never>('smtp')])
  const all = [push, fcm, smtp]
  const certificates = join(folder, 'certificates.pem')
  writeFileSync(
    certificates,
    ['push', 'fcm'].map((name) => readFileSync(join(folder, name, 'certificate.pem'), 'utf8')).join('\n'),
  )
  return {
    push,
    fcm,
    servers: all.map((each) => each.server),
    env: {
      NODE_EXTRA_CA_CERTS: certificates,
      PUSH_HOSTS: `127.0.0.1:${push.port}`,
      FCM_SERVICE_ACCOUNT: join(folder, 'fcm', ACCOUNT_FILE),
      FCM_PROXY: `http://127.0.0.1:${fcm.port}`,
      SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    },
    mend() {
      for (const each of all) each.tell(MENDED)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((each) => each.server.kill()))
      rmSync(folder, { recursive: true })
    },
  }
}
