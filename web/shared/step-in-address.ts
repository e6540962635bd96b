import { useEffect, useState } from 'preact/hooks'

/** The step stands in the address (`#wallet`), so that reload keeps it and the browser's back button goes one step back. */
export function useStepInAddress<Step extends string>(): [wanted: string, go: (step: Step) => void] {
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
  return [wanted, go]
}
