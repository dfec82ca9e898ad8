import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Span, SpanContext, Tracer } from '@opentelemetry/api'

/** Where traces go; both have the names of OpenTelemetry's own variables. */
export interface TracingSettings {
  /** `tracing.endpoint` of hub.yaml. */
  readonly endpoint?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
}

/** `00-<trace>-<span>-<flags>` of W3C Trace Context. */
const TRACE_PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** A place in a trace, for what goes on from there later. */
export type TracePlace = SpanContext

/** Spans of what the hub does, sent to a collector by OpenTelemetry's SDK. */
export class Tracing {
  readonly #api: typeof import('@opentelemetry/api')
  readonly #tracer: Tracer
  readonly #close: () => Promise<void>
  readonly #current = new AsyncLocalStorage<Span>()

  constructor(api: typeof import('@opentelemetry/api'), tracer: Tracer, close: () => Promise<void>) {
    this.#api = api
    this.#tracer = tracer
    this.#close = close
  }

  /** Where in which trace this is called; undefined outside of all. */
  here(): TracePlace | undefined {
    return this.#current.getStore()?.spanContext()
  }

  /** What has happened already, at a place of a trace. @returns Its own place. */
  past(
    name: string,
    attributes: Readonly<Record<string, string | number>>,
    { below, from, to, failed }: { below: TracePlace; from: EpochMs; to: EpochMs; failed: boolean },
  ): TracePlace {
    const { ROOT_CONTEXT, SpanStatusCode, trace } = this.#api
    const context = trace.setSpanContext(ROOT_CONTEXT, below)
    const span = this.#tracer.startSpan(name, { attributes, startTime: from }, context)
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(Math.max(from, to))
    return span.spanContext()
  }

  /**
   * Runs the work in a span of its own, below the one that it is called in.
   *
   * @param cause Of work that waited: where it was asked for, whoever happens to be the one that does it now.
   */
  async span<T>(
    name: string,
    attributes: Readonly<Record<string, string | number>>,
    work: () => Promise<T>,
    cause?: { readonly place: TracePlace | undefined },
  ): Promise<T> {
    const { ROOT_CONTEXT, SpanStatusCode, trace } = this.#api
    const place = cause === undefined ? this.here() : cause.place
    const context = place === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, place)
    const span = this.#tracer.startSpan(name, { attributes }, context)
    try {
      return await this.#current.run(span, work)
    } catch (error) {
      // Its class and code: messages may hold what is nobody's business.
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
      span.setStatus({ code: SpanStatusCode.ERROR, message: code })
      throw error
    } finally {
      span.end()
    }
  }

  /** A request to the hub: what is done for it is below its span, and it is below the caller's. */
  request(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } = this.#api
    const given = TRACE_PARENT.exec(String(request.headers['traceparent'] ?? ''))
    const [, traceId, spanId, flags] = given ?? []
    const remote = {
      traceId: traceId ?? '',
      spanId: spanId ?? '',
      isRemote: true,
      traceFlags: Number.parseInt(flags ?? '0', 16) & TraceFlags.SAMPLED,
    }
    const context = given === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote)
    const method = request.method ?? 'GET'
    const span = this.#tracer.startSpan(method, { kind: SpanKind.SERVER }, context)
    response.once('close', () => {
      // The row of the API's table. Paths themselves hold names, and sometimes tokens.
      const route = (response as { readonly locals?: { readonly route?: unknown } }).locals?.route
      const path = typeof route === 'string' ? route : request.url?.startsWith('/agent/') ? '/agent' : undefined
      if (path !== undefined) span.updateName(`${method} ${path}`)
      span.setAttributes({
        'http.request.method': method,
        'http.response.status_code': response.statusCode,
        ...(path !== undefined && { 'http.route': path }),
      })
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    this.#current.run(span, handle)
  }

  /** Sends what is left. Never throws: a collector that is away keeps no hub from ending. */
  async close(): Promise<void> {
    await this.#close().catch(() => undefined)
  }
}

/**
 * Begins to trace where somebody wants it: OpenTelemetry is loaded only then.
 *
 * `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`), `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_TRACES_SAMPLER` mean what they mean everywhere; `OTEL_SDK_DISABLED=true` or
 * `OTEL_TRACES_EXPORTER=none` is off.
 */
export async function openTracing({ endpoint, environment, version }: TracingSettings): Promise<Tracing | undefined> {
  const whole = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  const base = endpoint ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT']
  const off = environment['OTEL_SDK_DISABLED'] === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none'
  if (off || (base === undefined && whole === undefined)) return undefined
  const url = endpoint === undefined && whole !== undefined ? whole : `${base!.replace(/\/$/, '')}/v1/traces`
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const exporter = new OTLPTraceExporter({ url })
  const processor = new sdk.BatchSpanProcessor({ exporter })
  const sampler = samplerOf(sdk, environment)
  const provider = new sdk.TracerProvider({
    ...(sampler !== undefined && { sampler }),
    resource: resources
      .resourceFromAttributes({ 'service.name': 'flotilla-hub', 'service.version': version })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [processor],
  })
  return new Tracing(api, provider.getTracer('flotilla'), () => provider.shutdown())
}

/** What `OTEL_TRACES_SAMPLER` and its argument ask for; the SDK's default, everything below a sampled parent, without. */
function samplerOf(
  sdk: typeof import('@opentelemetry/sdk-trace'),
  environment: TracingSettings['environment'],
): import('@opentelemetry/sdk-trace').Sampler | undefined {
  const [, parent, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(
    environment['OTEL_TRACES_SAMPLER'] ?? '',
  ) ?? ['', '', '']
  if (kind === '') return undefined
  const ratio = Number(environment['OTEL_TRACES_SAMPLER_ARG'] ?? '1')
  const root =
    kind === 'always_on'
      ? new sdk.AlwaysOnSampler()
      : kind === 'always_off'
        ? new sdk.AlwaysOffSampler()
        : new sdk.TraceIdRatioBasedSampler(Number.isFinite(ratio) ? ratio : 1)
  return parent === undefined ? root : new sdk.ParentBasedSampler({ root })
}
