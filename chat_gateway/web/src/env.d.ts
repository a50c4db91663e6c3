// For tools that do not read .vue files themselves; vue-tsc looks into them.
declare module '*.vue' {
  import type { DefineComponent } from 'vue'

  const component: DefineComponent
  export default component
}
