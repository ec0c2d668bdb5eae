import { type ComponentProps, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { strings } from '../strings.ts'

/** A password, which one may look at. */
export function PasswordField(props: Omit<ComponentProps<typeof Field>, 'label' | 'type' | 'children'>) {
  const [shown, setShown] = useState(false)
  return (
    <Field {...props} label={strings.entry.password} type={shown ? 'text' : 'password'} name="password">
      <Button
        look="quiet"
        aria-pressed={shown}
        aria-label={strings.entry.showPassword}
        onClick={() => setShown(!shown)}
      >
        {shown ? strings.entry.hide : strings.entry.show}
      </Button>
    </Field>
  )
}
