import { type ComponentProps, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { Field } from '../parts/field.tsx'
import { strings } from '../strings.ts'

/** A password, which one may look at. */
export function PasswordField({
  label = strings.entry.password,
  name = 'password',
  ...props
}: Omit<ComponentProps<typeof Field>, 'label' | 'type' | 'children'> & { label?: string }) {
  const [shown, setShown] = useState(false)
  return (
    <Field {...props} label={label} type={shown ? 'text' : 'password'} name={name}>
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
