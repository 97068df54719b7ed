// Rules on what is subscribed, required and frozen.
{
  name: 'frs.subscriptions',
  rules: [
    // What was so when the cloud told last is so until it tells otherwise: without an answer, or while the exporter or its
    // probe does not answer, what is wrong is not well again. Each such record goes on with itself while its collector is
    // down and nothing newer is known; a project or a target that is gone takes it with it. They read what the exporter
    // tells and no other record, which some engines see an evaluation late, and end only where rules are not evaluated
    // for five minutes. So do the alerts that wake people, and face sets; others end with what is known.
    {
      record: 'project_subservice:frs_subscribed:off',
      expr: |||
        frs_subscribed{%(selector)s} == 0
        or project_subservice:frs_subscribed:off
        unless on (%(clusterLabel)s, namespace, job, instance, project) frs_subscribed{%(selector)s}
        and on (%(clusterLabel)s, namespace, job, instance, project)
          frs_up{collector="subscription", %(selector)s} == 0
        or project_subservice:frs_subscribed:off
          and on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s} == 0
      |||,
    },

    // Where subscribe tells, what it does not name is not there; others tell of some sub-services only.
    {
      record: 'project_subservice:frs_subservice_required:missing',
      expr: |||
        frs_subservice_required{%(selector)s}
          and on (%(clusterLabel)s, namespace, job, instance, project) frs_subscribed{%(selector)s}
        unless on (%(clusterLabel)s, namespace, job, instance, project)
          frs_subscription_source{source!="subscribe", %(selector)s}
        unless on (%(clusterLabel)s, namespace, job, instance, project, subservice) frs_subscribed{%(selector)s} == 1
        or
        frs_subservice_required{%(selector)s}
          and on (%(clusterLabel)s, namespace, job, instance, project, subservice) frs_subscribed{%(selector)s} == 0
        or
        project_subservice:frs_subservice_required:missing
        and on (%(clusterLabel)s, namespace, job, instance, project, subservice) frs_subservice_required{%(selector)s}
        unless on (%(clusterLabel)s, namespace, job, instance, project) frs_subscribed{%(selector)s}
        and on (%(clusterLabel)s, namespace, job, instance, project)
          frs_up{collector="subscription", %(selector)s} == 0
        or project_subservice:frs_subservice_required:missing
          and on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s} == 0
      |||,
    },

    // Until all collectors were asked again: the subscription is the first to know, if it is asked for at all. One that
    // has an answer of FRS proves that it is not frozen.
    {
      record: 'project:frs_service_frozen:max',
      expr: |||
        max by (%(clusterLabel)s, namespace, job, instance, project) (
          frs_service_frozen{%(selector)s} == 1 or frs_poll_error_info{reason="frozen", %(selector)s}
        )
        or project:frs_service_frozen:max
        unless on (%(clusterLabel)s, namespace, job, instance, project) frs_service_frozen{%(selector)s}
        unless on (%(clusterLabel)s, namespace, job, instance, project)
          frs_up{collector=~"subscription|face_sets", %(selector)s} == 1
        and on (%(clusterLabel)s, namespace, job, instance, project) frs_up{%(selector)s} == 0
        or project:frs_service_frozen:max and on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s} == 0
      |||,
    },

    // For a day, then only what the config requires is missed. Whoever has it still has a project of the same name.
    {
      alert: 'FrsSubserviceLost',
      expr: |||
        project_subservice:frs_subscribed:off
        and on (%(clusterLabel)s, namespace, job, project, subservice)
        max by (%(clusterLabel)s, namespace, job, project, subservice) (
          max_over_time(frs_subscribed{%(selector)s}[%(lostWindow)s])
          unless on (%(clusterLabel)s, namespace, job, instance, project, subservice)
            frs_subscribed{%(selector)s} == 1
        ) == 1
      |||,
      'for': '2m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    // Only where an answer is known: that there never was one is told by the alerts on polls.
    {
      alert: 'FrsRequiredSubserviceMissing',
      expr: 'project_subservice:frs_subservice_required:missing',
      'for': '2m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsRequiredSubserviceUnknown',
      expr: |||
        frs_subservice_required{%(selector)s}
        and on (%(clusterLabel)s, namespace, job, instance, project)
          frs_subscription_source{source!="subscribe", %(selector)s}
        unless on (%(clusterLabel)s, namespace, job, instance, project, subservice) frs_subscribed{%(selector)s}
      |||,
      'for': '1h',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },

    {
      alert: 'FrsServiceFrozen',
      expr: 'project:frs_service_frozen:max',
      'for': '2m',
      severity: 'critical',
      page: '/project?name={{ $labels.project | urlquery }}',
    },
  ],
}
