// Rules on whether projects and accounts can be asked, and how old what is known of them is.
{
  name: 'frs.polls',
  rules: [
    // Jobs of accounts (billing, vouchers) have the account's name in `project`, and no frs_project_info: wherever that is
    // joined frs_account_info is, too, with the site in place of the region.
    // How long before the scrape what is known was told, in poll intervals; the polls made where there was no answer yet.
    // By the exporter's clock, which has told both times: Prometheus' may be another one. It counts for older exporters,
    // which do not tell theirs.
    {
      record: 'project_collector:frs_answer_age:intervals',
      expr: |||
        (
          (
            (
              0 * frs_last_success_timestamp_seconds{%(selector)s}
              + on (%(clusterLabel)s, namespace, job, instance) group_left () frs_exporter_time_seconds{%(selector)s}
              or timestamp(frs_last_success_timestamp_seconds{%(selector)s})
            )
            - frs_last_success_timestamp_seconds{%(selector)s}
          )
          / frs_poll_interval_seconds{%(selector)s}
          or frs_polls_total{%(selector)s}
        )
        * on (%(clusterLabel)s, namespace, job, instance, project) group_left (region, credential) (
          frs_project_info{%(selector)s}
          or label_replace(
            label_replace(frs_account_info{%(selector)s}, "project", "$1", "account", "(.+)"), "region", "$1", "site", "(.+)"
          )
        )
      |||,
    },

    // It goes on until its projects, whose pauses are up to five minutes, were asked again: else each would be told.
    {
      alert: 'FrsCredentialRejected',
      expr: 'frs_exporter_credential_rejected{%(selector)s} == 1',
      'for': '1m',
      keepFiringFor: '6m',
      severity: 'critical',
      page: '/?q=credential:{{ $labels.credential | urlquery }}',
    },

    // What is refused, absent, throttled or fails is an alert as long as there is no answer, if it was so within half an
    // hour: where reasons take turns none of them resolves. So the reason is no label, either. Without an answer about the
    // subscription somebody is woken; what other collectors tell can wait.
    {
      alert: 'FrsAuthFailing',
      expr: |||
        project_collector:frs_answer_age:intervals{collector="subscription"} > %(failingIntervals)s
        and on (%(clusterLabel)s, namespace, job, instance, project, collector)
        last_over_time(frs_poll_error_info{collector="subscription", reason=~"auth|token|project_mismatch|forbidden", %(selector)s}[30m])
      |||,
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsApiAbsent',
      expr: |||
        project_collector:frs_answer_age:intervals{collector="subscription"} > %(failingIntervals)s
        and on (%(clusterLabel)s, namespace, job, instance, project, collector)
        last_over_time(frs_poll_error_info{collector="subscription", reason="absent", %(selector)s}[30m])
      |||,
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsThrottled',
      expr: |||
        project_collector:frs_answer_age:intervals > %(failingIntervals)s
        and on (%(clusterLabel)s, namespace, job, instance, project, collector)
        last_over_time(frs_poll_error_info{reason="throttled", %(selector)s}[30m])
      |||,
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsPollFailing',
      expr: |||
        project_collector:frs_answer_age:intervals > %(failingIntervals)s
        and on (%(clusterLabel)s, namespace, job, instance, project, collector)
        last_over_time(
          frs_poll_error_info{reason=~"dns|connect|tls|timeout|client|server|payload|internal", %(selector)s}[30m]
        )
      |||,
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // Of what is told beside the subscription, and of accounts: refused, absent, or silent without any reason. Who may not
    // see bills is told by FrsBillingNotPermitted, a secret that is refused by FrsCredentialRejected, and what the
    // subscription is answered as well by the alert on that, until all that pause for up to five minutes were asked again.
    {
      alert: 'FrsCollectorFailing',
      expr: |||
        (
          project_collector:frs_answer_age:intervals{collector!="subscription"} > %(failingIntervals)s
          and on (%(clusterLabel)s, namespace, job, instance, project, collector)
          last_over_time(
            frs_poll_error_info{collector!="subscription", reason=~"auth|token|project_mismatch|forbidden|absent", %(selector)s}[30m]
          )
          unless on (%(clusterLabel)s, namespace, job, instance, project, collector)
          last_over_time(frs_poll_error_info{collector=~"billing|vouchers", reason="forbidden", %(selector)s}[30m])
          or
          project_collector:frs_answer_age:intervals{collector!="subscription"} > %(staleIntervals)s
          unless on (%(clusterLabel)s, namespace, job, instance, project, collector) frs_poll_error_info{%(selector)s}
        )
        unless on (%(clusterLabel)s, namespace, job, credential)
          max_over_time(frs_exporter_credential_rejected{%(selector)s}[6m]) == 1
        unless on (%(clusterLabel)s, namespace, job, instance, project)
        last_over_time(
          frs_poll_error_info{collector="subscription", reason=~"auth|token|project_mismatch|forbidden|absent", %(selector)s}[6m]
        )
      |||,
      // So that an interval that was made shorter is not counted back.
      'for': '2m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // Some are answered, so nothing is old enough for the other alerts. Of the last twenty minutes as well: what has ended
    // is over. Asked every five minutes these are three or four polls, of which fewer fail in turn than of an hour's: so a
    // part of that ratio is enough. Accounts are asked about once an hour: so their day is looked at. What was never answered
    // since the start is told by other alerts, however seldom it is asked.
    {
      alert: 'FrsPollsUnreliable',
      expr: |||
        (
          increase(frs_poll_failures_total{%(selector)s}[1h]) / (increase(frs_polls_total{%(selector)s}[1h])
            >= %(unreliablePolls)s) > %(unreliableRatio)s
          and increase(frs_poll_failures_total{%(selector)s}[20m]) / increase(frs_polls_total{%(selector)s}[20m])
            > 0.8 * %(unreliableRatio)s
          or
          increase(frs_poll_failures_total{collector=~"billing|vouchers", %(selector)s}[1d])
          / (increase(frs_polls_total{collector=~"billing|vouchers", %(selector)s}[1d])
            >= %(unreliablePolls)s) > %(unreliableRatio)s
          and increase(frs_poll_failures_total{collector=~"billing|vouchers", %(selector)s}[6h]) > 1
        )
        unless on (%(clusterLabel)s, namespace, job, instance, project, collector)
        project_collector:frs_answer_age:intervals > %(staleIntervals)s
        and on (%(clusterLabel)s, namespace, job, instance, project, collector)
        frs_last_success_timestamp_seconds{%(selector)s}
      |||,
      'for': '15m',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsDataStale',
      expr: 'project_collector:frs_answer_age:intervals{collector="subscription"} > %(staleIntervals)s',
      // So that an interval that was made shorter is not counted back.
      'for': '2m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // While a pause is long, as long as the cloud asks for, there are no polls to count.
    {
      alert: 'FrsNeverAnswered',
      expr: |||
        max without (reason, code) (frs_poll_error_info{collector="subscription", %(selector)s})
        * on (%(clusterLabel)s, namespace, job, instance, project)
          group_left (region, credential) frs_project_info{%(selector)s}
        unless on (%(clusterLabel)s, namespace, job, instance, project, collector)
          frs_last_success_timestamp_seconds{%(selector)s}
      |||,
      'for': '30m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // Tokens are renewed when 3 to 8 % of their life are left, three quarters of an hour of a day's: at the first poll
    // then, and the next one shows it.
    {
      alert: 'FrsTokenExpiring',
      expr: |||
        min by (%(clusterLabel)s, namespace, job, instance, credential) (
          (
            frs_token_expiry_timestamp_seconds{%(selector)s}
            - (
              0 * frs_token_expiry_timestamp_seconds{%(selector)s}
              + on (%(clusterLabel)s, namespace, job, instance) group_left () frs_exporter_time_seconds{%(selector)s}
              or timestamp(frs_token_expiry_timestamp_seconds{%(selector)s})
            )
            < on (%(clusterLabel)s, namespace, job, instance, project)
            (%(tokenSeconds)s - 2 * max by (%(clusterLabel)s, namespace, job, instance, project) (frs_poll_interval_seconds{%(selector)s}))
          )
          * on (%(clusterLabel)s, namespace, job, instance, project) group_left (credential) (
            frs_project_info{%(selector)s}
              or label_replace(frs_account_info{%(selector)s}, "project", "$1", "account", "(.+)")
          )
        )
      |||,
      'for': '5m',
      severity: 'warning',
      page: '/?q=credential:{{ $labels.credential | urlquery }}',
    },
  ],
}
