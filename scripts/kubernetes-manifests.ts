// SPDX-License-Identifier: Apache-2.0

/** A Kubernetes object as `kubectl apply` takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [member: string]: unknown;
}

/** What an operator decides; all else follows from what the programs need. */
export interface Sizes {
  readonly image: string;
  readonly gateways: number;
  readonly gatewayCores: number;
  readonly gatewayMebibytes: number;
  readonly blobGibibytes: number;
}

export const SMALL: Sizes = {
  image: 'outrider:0.1.0',
  gateways: 3,
  gatewayCores: 2,
  gatewayMebibytes: 2_048,
  blobGibibytes: 200,
};

const PORT = 8_440;
/** Where gateways speak mutual TLS, once there is a CA. */
const TLS_PORT = 8_441;
/** Longer than three looks of the readiness probe: nobody new is sent to a gateway that leaves. */
const DRAIN_DELAY_MS = 8_000;
const DRAIN_TIMEOUT_MS = 10_000;
/** The time to stop, and some to spare: then the kubelet kills. */
const GRACE_S = 30;
/** What the program runs as in the image. */
const USER = 10_001;

/** Everything of an installation but the database: namespace, gateways, control planes, what they share, and who may reach whom. */
export function manifests(sizes: Sizes): readonly Manifest[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'outrider' } },
    sharedFolder(sizes),
    ...gateways(sizes),
    ...controlPlanes(sizes),
    ...networkPolicies(),
  ];
}

/** What `kubectl apply -f` takes in one go. */
export function manifestList(sizes: Sizes): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests(sizes) }, undefined, 2)}\n`;
}

function sharedFolder({ blobGibibytes }: Sizes): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: named('outrider-shared'),
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: `${blobGibibytes}Gi` } } },
  };
}

function gateways(sizes: Sizes): readonly Manifest[] {
  const name = 'outrider-gateway';
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: named(name),
      spec: {
        replicas: sizes.gateways,
        selector: { matchLabels: { app: name } },
        // A new gateway is ready before an old one leaves.
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            ...podOf(sizes, { role: 'gateway', isReadOnly: true }),
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'ScheduleAnyway',
                labelSelector: { matchLabels: { app: name } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: named(name),
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } },
    },
    // TCP: TLS of devices ends at the terminator or the gateway, never here.
    serviceOf(name, 'LoadBalancer', 'gateway'),
  ];
}

/** Two: one decides by the lease, the other stands by and answers people too. */
function controlPlanes(sizes: Sizes): readonly Manifest[] {
  const name = 'outrider-control';
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: named(name),
      spec: {
        serviceName: name,
        replicas: 2,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: podOf(sizes, { role: 'control', isReadOnly: false }) },
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: named(name),
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } },
    },
    serviceOf(name, 'ClusterIP', 'control'),
  ];
}

function podOf({ image, gatewayCores, gatewayMebibytes }: Sizes, server: { role: string; isReadOnly: boolean }) {
  const variables: Readonly<Record<string, string>> = {
    OUTRIDER_ROLE: server.role,
    OUTRIDER_DATA: '/data',
    OUTRIDER_SECRETS: '/shared',
    OUTRIDER_BLOBS: '/shared/blobs',
    OUTRIDER_HOST: '0.0.0.0',
    OUTRIDER_PORT: String(PORT),
    OUTRIDER_TLS_PORT: String(TLS_PORT),
    OUTRIDER_DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
    OUTRIDER_DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS),
    DATABASE_URL_FILE: '/database/url',
  };
  return {
    terminationGracePeriodSeconds: GRACE_S,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: USER, fsGroup: USER, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'outrider',
        image,
        env: Object.entries(variables).map(([name, value]) => ({ name, value })),
        ports: portsOf(server.role).map(({ name, port }) => ({ name, containerPort: port })),
        readinessProbe: {
          httpGet: { path: '/health/ready', port: 'http' },
          periodSeconds: 2,
          timeoutSeconds: 2,
          failureThreshold: 1,
        },
        livenessProbe: {
          httpGet: { path: '/health/live', port: 'http' },
          periodSeconds: 10,
          timeoutSeconds: 5,
          failureThreshold: 6,
        },
        // The first start waits for migrations of the database.
        startupProbe: { httpGet: { path: '/health/live', port: 'http' }, periodSeconds: 2, failureThreshold: 300 },
        resources: {
          requests: { cpu: String(gatewayCores), memory: `${gatewayMebibytes}Mi` },
          limits: { memory: `${gatewayMebibytes}Mi` },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'data', mountPath: '/data' },
          { name: 'shared', mountPath: '/shared', readOnly: server.isReadOnly },
          { name: 'database', mountPath: '/database', readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'shared', persistentVolumeClaim: { claimName: 'outrider-shared' } },
      // Made by hand, once: kubectl create secret generic outrider-database --from-literal=url=postgres://...
      { name: 'database', secret: { secretName: 'outrider-database', defaultMode: 0o440 } },
    ],
  };
}

function portsOf(role: string): readonly { readonly name: string; readonly port: number }[] {
  const http = { name: 'http', port: PORT };
  return role === 'gateway' ? [http, { name: 'mtls', port: TLS_PORT }] : [http];
}

function serviceOf(name: string, type: string, role: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: named(name),
    spec: {
      type,
      // Devices come with their own addresses: as those of the nodes all of them together would count as a few.
      ...(type === 'LoadBalancer' ? { externalTrafficPolicy: 'Local' } : {}),
      selector: { app: name },
      ports: portsOf(role).map((port) => ({ ...port, targetPort: port.name })),
    },
  };
}

/** People reach control planes from within the namespace alone; devices reach gateways. */
function networkPolicies(): readonly Manifest[] {
  const policy = (role: string, from: readonly object[]): Manifest => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: named(`outrider-${role}`),
    spec: {
      podSelector: { matchLabels: { app: `outrider-${role}` } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          ...(from.length === 0 ? {} : { from }),
          ports: portsOf(role).map(({ port }) => ({ protocol: 'TCP', port })),
        },
      ],
    },
  });
  return [policy('gateway', []), policy('control', [{ podSelector: {} }])];
}

function named(name: string): {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
} {
  return { name, namespace: 'outrider', labels: { app: name } };
}
