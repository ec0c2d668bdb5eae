import type { InviteItem } from '@parley/protocol/conversation'
import type { ConversationView } from '@parley/sdk/types'
import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { useApp } from '../app-context.tsx'
import { Button } from '../parts/button.tsx'
import { Choice } from '../parts/choice.tsx'
import { Modal } from '../parts/modal.tsx'
import { Loading, Notice, Problem } from '../parts/notice.tsx'
import { inviteEnds, inviteState, inviteUses, linkOf } from '../state/invites.ts'
import { explain } from '../state/problems.ts'
import { strings } from '../strings.ts'
import { useAction } from '../use-action.ts'
import styles from './invites.module.css'

const words = strings.invites

/** The links by which people come into a group: makes, copies and revokes them. */
export function Invites({ conversation, onClose }: { conversation: ConversationView; onClose: () => void }) {
  const { client } = useApp()
  const [invites, setInvites] = useState<readonly InviteItem[]>()
  const [error, setError] = useState<string>()
  const load = useCallback(
    () =>
      client.invites(conversation.id).then(
        (items) => {
          setInvites(items)
          setError(undefined)
        },
        (thrown: unknown) => setError(explain(thrown)),
      ),
    [client, conversation.id],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: every entry of the log may be one of an invite.
  useEffect(() => void load(), [load, conversation.rev])
  return (
    <Modal title={words.title} onClose={onClose}>
      <p className={styles.intro}>{words.intro}</p>
      <NewInvite conversation={conversation} onMade={(made) => setInvites((before = []) => [...before, made])} />
      {invites ? (
        <ul className={styles.invites} aria-label={words.list}>
          {invites.map((invite) => (
            <InviteLine key={invite.id} conversation={conversation} invite={invite} onRevoked={load} />
          ))}
        </ul>
      ) : error ? (
        <Notice title={error}>
          <Button onClick={() => void load()}>{strings.retry}</Button>
        </Notice>
      ) : (
        <Loading label={strings.loading} />
      )}
    </Modal>
  )
}

function NewInvite({ conversation, onMade }: { conversation: ConversationView; onMade: (invite: InviteItem) => void }) {
  const { client } = useApp()
  const [end, setEnd] = useState(2)
  const [most, setMost] = useState(0)
  const action = useAction()
  const [ends, uses] = [inviteEnds(), inviteUses()]
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const terms = { expiresInMs: ends[end]?.value ?? null, maxUses: uses[most]?.value ?? null }
    action.run(async () => onMade(await client.createInvite(conversation.id, terms)))
  }
  return (
    <form className={styles.form} onSubmit={submit}>
      <Choice label={words.end} options={ends.map(({ label }) => label)} value={end} onChange={setEnd} />
      <Choice label={words.most} options={uses.map(({ label }) => label)} value={most} onChange={setMost} />
      <Button type="submit" look="main" busy={action.busy}>
        {words.create}
      </Button>
      {action.error && <Problem>{action.error}</Problem>}
    </form>
  )
}

function InviteLine({
  conversation,
  invite,
  onRevoked,
}: {
  conversation: ConversationView
  invite: InviteItem
  onRevoked: () => Promise<void>
}) {
  const { client } = useApp()
  const [copied, setCopied] = useState<string>()
  const action = useAction()
  const link = linkOf(invite.code, location.origin)
  const state = inviteState(invite, new Date())
  // A page that did not come over a secure connection has no clipboard: then the link can still be marked.
  const copy = async () =>
    (await navigator.clipboard?.writeText(link).then(
      () => true,
      () => false,
    )) ?? false
  const revoke = () =>
    action.run(async () => {
      await client.revokeInvite(conversation.id, invite.id)
      await onRevoked()
    })
  return (
    <li className={styles.invite}>
      <input
        className={styles.link}
        readOnly
        value={link}
        dir="ltr"
        aria-label={words.link(state)}
        onFocus={(event) => event.target.select()}
      />
      <p className={styles.state}>
        {state} <span role="status">{copied}</span>
      </p>
      <div className={styles.acts}>
        <Button onClick={() => void copy().then((done) => setCopied(done ? words.copied : words.copyFailed))}>
          {words.copy}
        </Button>
        <Button look="danger" busy={action.busy} onClick={revoke}>
          {words.revoke}
        </Button>
      </div>
      {action.error && <Problem>{action.error}</Problem>}
    </li>
  )
}
