// Rules on whole regions, and exporters, that get no answers.
{
  name: 'frs.regions',
  rules: [
    // Whether a project is asked in vain, by FRS alone: the vendor's monitoring and billing are up and down by themselves.
    // Whoever is refused by IAM is no witness: nothing was asked of FRS.
    {
      record: 'project_collector:frs_unreachable:bool',
      expr: |||
        (
          max without (reason, code) (
            frs_poll_error_info{reason=~"dns|connect|tls|timeout|server|payload", collector!="cloud_eye", %(selector)s}
          )
          or
          0 * frs_up{collector!="cloud_eye", %(selector)s}
          unless on (%(clusterLabel)s, namespace, job, instance, project, collector)
            frs_poll_error_info{reason=~"auth|token", %(selector)s}
        )
        * on (%(clusterLabel)s, namespace, job, instance, project) group_left (region) frs_project_info{%(selector)s}
      |||,
    },

    // Of the collector that fares worst: one API of FRS may be down alone.
    {
      record: 'instance_region:frs_unreachable:ratio',
      expr: |||
        max by (%(clusterLabel)s, namespace, job, instance, region) (
          avg by (%(clusterLabel)s, namespace, job, instance, region, collector) (project_collector:frs_unreachable:bool)
        )
      |||,
    },

    // The projects of an exporter in a region that it reaches. From two on that proves the region: one may be a lucky one.
    {
      record: 'instance_region:frs_reachable:projects',
      expr: |||
        count by (%(clusterLabel)s, namespace, job, instance, region) (
          count by (%(clusterLabel)s, namespace, job, instance, region, project) (project_collector:frs_unreachable:bool)
        )
        and on (%(clusterLabel)s, namespace, job, instance, region)
          instance_region:frs_unreachable:ratio <= %(unreachableRatio)s
      |||,
    },

    // An exporter that reaches none of several regions, or not its only one where another one does.
    {
      record: 'instance:frs_cloud_unreachable:bool',
      expr: |||
        min by (%(clusterLabel)s, namespace, job, instance) (instance_region:frs_unreachable:ratio)
          > bool %(unreachableRatio)s
        and on (%(clusterLabel)s, namespace, job, instance) (
          count by (%(clusterLabel)s, namespace, job, instance) (instance_region:frs_unreachable:ratio) > 1
          or
          count by (%(clusterLabel)s, namespace, job, instance) (
            instance_region:frs_unreachable:ratio
            and on (%(clusterLabel)s, namespace, region) instance_region:frs_reachable:projects > 1
          )
        )
        or on (%(clusterLabel)s, namespace, job, instance) 0 * count by (%(clusterLabel)s, namespace, job, instance) (
          instance_region:frs_unreachable:ratio
        )
      |||,
    },

    // These two look at the newest polls of many projects, not at how long each has failed: so they fire before the alerts
    // of single projects, which they silence. They go on until all, whose pauses are up to five minutes, were asked again.
    {
      alert: 'FrsCloudUnreachable',
      expr: 'instance:frs_cloud_unreachable:bool == 1',
      'for': '2m',
      keepFiringFor: '6m',
      severity: 'critical',
      page: '/',
    },

    // Of two projects at least, as one tells nothing about others; not where an exporter reaches the region, so a second
    // one or a shard whose own network is down is no outage; and by those alone that reach anything at all.
    {
      alert: 'FrsRegionUnreachable',
      expr: |||
        max by (%(clusterLabel)s, namespace, region) (
          avg by (%(clusterLabel)s, namespace, region, collector) (
            project_collector:frs_unreachable:bool
            and on (%(clusterLabel)s, namespace, job, instance) instance:frs_cloud_unreachable:bool == 0
          ) > %(unreachableRatio)s
          and on (%(clusterLabel)s, namespace, region, collector)
            count by (%(clusterLabel)s, namespace, region, collector) (
            count by (%(clusterLabel)s, namespace, region, collector, project) (
              project_collector:frs_unreachable:bool
              and on (%(clusterLabel)s, namespace, job, instance) instance:frs_cloud_unreachable:bool == 0
            )
          ) > 1
        )
        unless on (%(clusterLabel)s, namespace, region) instance_region:frs_reachable:projects > 1
      |||,
      'for': '2m',
      keepFiringFor: '6m',
      severity: 'critical',
    },
  ],
}
