import { useEffect, useState } from 'preact/hooks'

/** The step stands in the address (`#wallet`), so that reload keeps it and the browser's back button goes one step back. */
export interface StepInAddress<Step> {
  wanted: string
  go: (step: Step) => void
  /** Writes the step that is shown anyway into an address without one, so that it stays whatever the view does. */
  pin: (step: Step) => void
}

export function useStepInAddress<Step extends string>(): StepInAddress<Step> {
  const [wanted, setWanted] = useState(() => location.hash.slice(1))
  useEffect(() => {
    const follow = () => setWanted(location.hash.slice(1))
    addEventListener('popstate', follow)
    return () => removeEventListener('popstate', follow)
  }, [])
  const go = (step: Step) => {
    history.pushState(null, '', `#${step}`)
    setWanted(step)
  }
  const pin = (step: Step) => {
    history.replaceState(null, '', `#${step}`)
    setWanted(step)
  }
  return { wanted, go, pin }
}
