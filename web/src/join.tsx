import type { InvitePreview } from '@parley/protocol/conversation'
import { ParleyError } from '@parley/sdk/error'
import { useCallback, useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useApp } from './app-context.tsx'
import styles from './join.module.css'
import { Avatar } from './parts/avatar.tsx'
import { Button } from './parts/button.tsx'
import { Loading, Notice, Problem } from './parts/notice.tsx'
import { explain } from './state/problems.ts'
import { strings } from './strings.ts'
import { useAction } from './use-action.ts'

/** What the link of an address invites to, and the way in. */
export function JoinGroup({ code }: { code: string }) {
  const { client } = useApp()
  const [, navigate] = useLocation()
  const [preview, setPreview] = useState<InvitePreview>()
  const [failed, setFailed] = useState<unknown>()
  const action = useAction()
  const load = useCallback(() => {
    setFailed(undefined)
    client.previewInvite(code).then(setPreview, setFailed)
  }, [client, code])
  useEffect(load, [load])
  const join = () =>
    action.run(
      async () => {
        const { id } = await client.joinByInvite(code)
        navigate(`/c/${id}`)
      },
      (error) => (isGone(error) ? strings.join.gone : explain(error)),
    )
  if (isGone(failed))
    return (
      <Notice title={strings.join.gone} hint={strings.join.goneHint}>
        <Link href="/">{strings.chat.back}</Link>
      </Notice>
    )
  if (failed !== undefined)
    return (
      <Notice title={explain(failed)}>
        <Button onClick={load}>{strings.retry}</Button>
      </Notice>
    )
  if (!preview) return <Loading label={strings.loading} />
  const { title, description, memberCount, joined } = preview
  return (
    <section className={styles.card} aria-label={strings.join.region}>
      <Avatar id={code} name={title} />
      <h2 className={styles.title}>
        <bdi>{title}</bdi>
      </h2>
      <p className={styles.muted}>{strings.chat.members(memberCount)}</p>
      {description && (
        <p className={styles.description} dir="auto">
          {description}
        </p>
      )}
      {joined && <p className={styles.muted}>{strings.join.joined}</p>}
      {action.error && <Problem>{action.error}</Problem>}
      <Button look="main" busy={action.busy} onClick={join}>
        {joined ? strings.join.go : strings.join.join}
      </Button>
      <Link href="/">{strings.chat.back}</Link>
    </section>
  )
}

const isGone = (error: unknown): boolean => error instanceof ParleyError && error.problem.code === 'not_found'
