import { Component, type ReactNode } from 'react'
import { Button } from './parts/button.tsx'
import { Notice } from './parts/notice.tsx'
import { strings } from './strings.ts'

/** In place of a page that could not be drawn by a mistake of ours; React tells the console of it. A class, since React catches only there. */
export class Broken extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    return (
      <main>
        <Notice title={strings.broken} hint={strings.brokenHint}>
          <Button look="main" onClick={() => location.reload()}>
            {strings.reload}
          </Button>
        </Notice>
      </main>
    )
  }
}
