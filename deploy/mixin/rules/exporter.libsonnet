// Rules on the exporters themselves: whether they are there, their config, clock, queue and discovery.
{
  name: 'frs.exporter',
  rules: [
    {
      alert: 'FrsExporterDown',
      expr: |||
        up{%(selector)s} == 0
          and on (%(clusterLabel)s, namespace, job, instance)
            last_over_time(frs_exporter_build_info{%(selector)s}[%(exporterRemembered)s])
      |||,
      'for': '5m',
      severity: 'critical',
    },

    // By the name of its job, wherever that is: one whose other targets are exporters or probes of ours, and nothing else.
    {
      alert: 'FrsTargetNeverUp',
      expr: |||
        up{%(selector)s} == 0
          and on (job) (last_over_time(frs_exporter_build_info{%(selector)s}[%(exporterRemembered)s])
            or frs_project_info{%(selector)s} or frs_account_info{%(selector)s})
        unless on (%(clusterLabel)s, namespace, job, instance)
          last_over_time(frs_exporter_build_info{%(selector)s}[%(exporterRemembered)s])
        unless on (%(clusterLabel)s, namespace, job, instance)
          last_over_time(frs_project_info{%(selector)s}[%(probeRemembered)s])
        unless on (%(clusterLabel)s, namespace, job, instance)
          last_over_time(frs_account_info{%(selector)s}[%(probeRemembered)s])
        unless on (job) (
          up{%(selector)s} == 1 unless on (%(clusterLabel)s, namespace, job, instance)
          (frs_exporter_build_info{%(selector)s} or frs_project_info{%(selector)s} or frs_account_info{%(selector)s})
        )
      |||,
      'for': '15m',
      severity: 'critical',
    },

    // One that is a target but does not answer is down, not absent.
    {
      alert: 'FrsExporterAbsent',
      expr: |||
        absent(frs_exporter_build_info{%(selector)s})
        unless on () (
          up{%(selector)s} == 0
            and on (%(clusterLabel)s, namespace, job, instance)
              last_over_time(frs_exporter_build_info{%(selector)s}[%(exporterRemembered)s])
        )
      |||,
      'for': '15m',
      severity: 'critical',
    },

    // Some are no targets any more, and there are fewer than there were for a quarter of an hour of the last day: so a
    // new name or address is nothing, nor are two for a moment while one replaces the other. Both sides look every five
    // minutes, at the same moments: each that is known to be gone is in the number that there were.
    {
      alert: 'FrsExporterMissing',
      expr: |||
        count by (%(clusterLabel)s, namespace, job) (
          last_over_time(frs_exporter_build_info{%(selector)s}[%(missingWindow)s:5m])
            unless on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s}
        )
        unless on (%(clusterLabel)s, namespace, job) (
          count by (%(clusterLabel)s, namespace, job) (
            up{%(selector)s} and on (%(clusterLabel)s, namespace, job, instance)
              last_over_time(frs_exporter_build_info{%(selector)s}[%(missingWindow)s])
          )
          >= max_over_time(
            min_over_time(count by (%(clusterLabel)s, namespace, job) (frs_exporter_build_info{%(selector)s})[15m:5m])[%(missingWindow)s:5m]
          )
        )
      |||,
      'for': '20m',
      severity: 'critical',
    },

    // The projects and accounts that are watched, whichever exporters or probes of the job tell of them.
    {
      record: 'job:frs_targets:count',
      expr: |||
        count by (%(clusterLabel)s, namespace, job) (
          group by (%(clusterLabel)s, namespace, job, project) (
            frs_project_info{%(selector)s}
              or label_replace(frs_account_info{%(selector)s}, "project", "$1", "account", "(.+)")
          )
        )
      |||,
    },

    // More than a quarter of what there was for a quarter of an hour of the last day: of three each one counts, of many a
    // few that are taken away are nobody's trouble. Those of a target that does not answer, or is none any more, are told
    // by other alerts. Within a day it ends by itself. What there is now is no record: without one all would seem to be gone.
    {
      alert: 'FrsProjectsMissing',
      expr: |||
        (
          (
            count by (%(clusterLabel)s, namespace, job) (
              group by (%(clusterLabel)s, namespace, job, project) (
                frs_project_info{%(selector)s}
                  or label_replace(frs_account_info{%(selector)s}, "project", "$1", "account", "(.+)")
              )
            )
            or 0 * count by (%(clusterLabel)s, namespace, job) (frs_exporter_build_info{%(selector)s})
          )
          + (count by (%(clusterLabel)s, namespace, job) (up{%(selector)s} == 0)
            or 0 * count by (%(clusterLabel)s, namespace, job) (up{%(selector)s}))
          < %(projectsMissingRatio)s * max_over_time(min_over_time(job:frs_targets:count[15m])[%(missingWindow)s:5m])
        )
        unless on (%(clusterLabel)s, namespace, job) (
          up{%(selector)s} == 0
            and on (%(clusterLabel)s, namespace, job, instance)
              last_over_time(frs_exporter_build_info{%(selector)s}[%(exporterRemembered)s])
        )
        unless on (%(clusterLabel)s, namespace, job) (
          count by (%(clusterLabel)s, namespace, job) (frs_exporter_build_info{%(selector)s})
          < max_over_time(min_over_time(count by (%(clusterLabel)s, namespace, job) (frs_exporter_build_info{%(selector)s})[15m:5m])[%(missingWindow)s:5m])
        )
        or
        max by (%(clusterLabel)s, namespace, job, discovery) (frs_exporter_discovery_projects{%(selector)s})
        < %(projectsMissingRatio)s * max_over_time(
          min_over_time(max by (%(clusterLabel)s, namespace, job, discovery) (frs_exporter_discovery_projects{%(selector)s})[15m:5m])[%(missingWindow)s:5m]
        )
      |||,
      'for': '15m',
      severity: 'critical',
    },

    // Of those that /probe is asked about; what is known of a project is gone as soon as that fails.
    {
      alert: 'FrsProbeFailing',
      expr: |||
        up{%(selector)s} == 0 and on (%(clusterLabel)s, namespace, job, instance)
        (last_over_time(frs_project_info{%(selector)s}[%(probeRemembered)s])
          or last_over_time(frs_account_info{%(selector)s}[%(probeRemembered)s]))
        unless on (%(clusterLabel)s, namespace, job, instance)
          last_over_time(frs_exporter_build_info{%(selector)s}[%(exporterRemembered)s])
      |||,
      'for': '10m',
      severity: 'critical',
    },

    // Where no state is kept a restart forgets which secrets were refused: enough of them lock the account. Some engines
    // count the first sample of a series as a change, which that of a constant one is, too.
    {
      alert: 'FrsExporterRestarting',
      expr: |||
        changes(process_start_time_seconds{%(selector)s}[%(restartsWindow)s])
        - on (%(clusterLabel)s, namespace, job, instance) group_left ()
        min by (%(clusterLabel)s, namespace, job, instance) (changes(frs_exporter_build_info{%(selector)s}[%(restartsWindow)s]))
        >= %(restarts)s
      |||,
      severity: 'warning',
    },

    // Shards may be in several jobs of a namespace: those that have not all of them are looked at together.
    {
      alert: 'FrsShardMissing',
      expr: |||
        (
          max by (%(clusterLabel)s, namespace, job) (frs_exporter_shards{%(selector)s})
          > count by (%(clusterLabel)s, namespace, job) (count by (%(clusterLabel)s, namespace, job, shard) (frs_exporter_shard_info{%(selector)s}))
        )
        unless on (%(clusterLabel)s, namespace) (
          count by (%(clusterLabel)s, namespace) (
            count by (%(clusterLabel)s, namespace, shard) (
              frs_exporter_shard_info{%(selector)s} and on (%(clusterLabel)s, namespace, job) (
                max by (%(clusterLabel)s, namespace, job) (frs_exporter_shards{%(selector)s})
                > count by (%(clusterLabel)s, namespace, job) (count by (%(clusterLabel)s, namespace, job, shard) (frs_exporter_shard_info{%(selector)s}))
              )
            )
          )
          >= max by (%(clusterLabel)s, namespace) (
            max by (%(clusterLabel)s, namespace, job) (frs_exporter_shards{%(selector)s})
            > count by (%(clusterLabel)s, namespace, job) (count by (%(clusterLabel)s, namespace, job, shard) (frs_exporter_shard_info{%(selector)s}))
          )
        )
      |||,
      'for': '10m',
      severity: 'critical',
    },

    {
      alert: 'FrsConfigReloadFailed',
      expr: 'frs_exporter_config_last_reload_successful{%(selector)s} == 0',
      'for': '5m',
      severity: 'warning',
      page: '/',
    },

    {
      alert: 'FrsWebConfigReloadFailed',
      expr: 'frs_exporter_web_config_last_reload_successful{%(selector)s} == 0',
      'for': '5m',
      severity: 'warning',
      page: '/',
    },

    // Who renews in time does so earlier: certificates of 90 days when 30 of them are left. Of days, here and for packages
    // and vouchers, it does not matter whose clock they are counted by.
    {
      alert: 'FrsWebCertificateExpiring',
      expr: |||
        frs_exporter_web_certificate_expiry_timestamp_seconds{%(selector)s} - time() < %(webCertificateDays)s * 86400
      |||,
      'for': '15m',
      severity: 'warning',
      page: '/',
    },

    // The vendor refuses signatures that are more than 15 minutes off. IAM is asked but once a day: too old to tell.
    {
      alert: 'FrsClockSkewed',
      expr: |||
        max without (api) (abs(frs_exporter_clock_skew_seconds{api=~"frs|ces", %(selector)s})) > %(clockSkewSeconds)s
      |||,
      'for': '10m',
      severity: 'warning',
      page: '/',
    },

    {
      alert: 'FrsScheduleLagging',
      expr: 'frs_exporter_schedule_lag_seconds{%(selector)s} > %(scheduleLagSeconds)s',
      'for': '15m',
      severity: 'warning',
      page: '/',
    },

    {
      alert: 'FrsDiscoveryFailing',
      expr: 'frs_exporter_discovery_success{%(selector)s} == 0',
      'for': '30m',
      severity: 'warning',
      page: '/',
    },

    {
      alert: 'FrsDiscoveredProjectsSkipped',
      expr: 'frs_exporter_discovery_projects_skipped{%(selector)s} > 0',
      'for': '15m',
      severity: 'warning',
      page: '/',
    },

    {
      alert: 'FrsDiscoveryOverLimit',
      expr: 'frs_exporter_discovery_projects_over_limit{%(selector)s} > 0',
      'for': '15m',
      severity: 'warning',
      page: '/',
    },

    {
      alert: 'FrsTlsNotVerified',
      expr: 'frs_exporter_insecure_skip_verify{%(selector)s} == 1',
      'for': '15m',
      severity: 'warning',
      page: '/?q=credential:{{ $labels.credential | urlquery }}',
    },
  ],
}
